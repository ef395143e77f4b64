// Fuzzes catalogs: the JSON, and the places that its sources name.
#include <cstdlib>
#include <string_view>

#include "image/catalog/catalog.h"
#include "image/catalog/location.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace banger::image::catalog;
  auto catalog = parse_catalog({reinterpret_cast<const char*>(data), size});
  if (!catalog) return 0;
  (void)check_fixed(*catalog);
  const Location server(banger::http::parse_url("https://host/list/catalog.json").value());
  for (const auto& entry : catalog->entries) {
    if (find_entry(*catalog, entry.kind, entry.name) != &entry || entry.sources.empty()) ::abort();
    for (const auto& source : entry.sources) {
      if (to_string(source).find('\n') != std::string::npos) ::abort();
      // A server's catalog never leads to a file of this host.
      auto place = resolve(server, source.location);
      if (place && std::holds_alternative<File>(*place)) ::abort();
      (void)resolve(Location(File{"/srv/catalog.json"}), source.location);
    }
  }
  return 0;
}

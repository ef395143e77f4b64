// Fuzzes what people write for `banger-agent apply`: any bytes are refused by name, or give a config that survives
// encoding.
#include <cstdint>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <string_view>

#include "roles/agent/apply_document.h"

using namespace banger;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  auto read = [](const std::string& path) -> Result<std::string> {
    if (path.empty()) return fail(ErrorCode::not_found, "no file");
    return "content of " + path;
  };
  auto config = roles::agent::read_apply_document({reinterpret_cast<const char*>(data), size}, "config", read);
  if (!config) {
    if (!config.error().message.starts_with("config")) std::abort();
    return 0;
  }
  Json encoded = guestcfg::to_json(*config, guestcfg::Contents::inline_data);
  auto again = guestcfg::from_json(encoded);
  if (!again || guestcfg::to_json(*again, guestcfg::Contents::inline_data) != encoded) std::abort();
  return 0;
}

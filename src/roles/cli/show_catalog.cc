#include "roles/cli/show_catalog.h"

#include <nlohmann/json.hpp>

#include "api/objects/catalog.h"
#include "base/text.h"
#include "roles/cli/connect.h"

namespace banger::roles::cli {

namespace {

std::string table_text(const std::vector<api::CatalogEntryObject>& entries, Colours colours) {
  Table table({"NAME", "SOURCES", "DESCRIPTION"});
  for (const auto& entry : entries) table.add({entry.name, join(entry.sources, ", "), entry.description});
  return table.text(colours);
}

}  // namespace

Result<int> show_catalog(Context& context, std::string_view kind) {
  auto daemon = TRY(Daemon::connect(context.io));
  auto entries = TRY(daemon.get<api::CatalogObject>("catalog.show")).entries;
  std::erase_if(entries, [&](const auto& entry) { return entry.kind != kind; });
  print_list(context, entries, &api::CatalogEntryObject::name, table_text(entries, colours_of(context)));
  return exit_status::kOk;
}

}  // namespace banger::roles::cli

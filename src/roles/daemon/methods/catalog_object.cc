#include "roles/daemon/methods/catalog_object.h"

namespace banger::roles::daemon {

api::CatalogObject catalog_object(const image::catalog::Published& published,
                                  std::optional<image::catalog::BundleKind> kind) {
  api::CatalogObject object;
  if (published.place) object.place = to_string(*published.place);
  for (const auto& entry : published.catalog.entries) {
    if (kind && entry.kind != *kind) continue;
    api::CatalogEntryObject listed{.kind = std::string(word_of(image::catalog::kBundleKindWords, entry.kind)),
                                   .name = entry.name,
                                   .description = entry.description,
                                   .sources = {}};
    for (const auto& source : entry.sources) listed.sources.push_back(to_string(source));
    object.entries.push_back(std::move(listed));
  }
  return object;
}

}  // namespace banger::roles::daemon

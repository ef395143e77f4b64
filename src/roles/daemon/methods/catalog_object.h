// Describes the catalog as an API object.
#pragma once

#include <optional>

#include "api/objects/catalog.h"
#include "image/catalog/reader.h"

namespace banger::roles::daemon {

/// All entries, or those of one kind.
api::CatalogObject catalog_object(const image::catalog::Published& published,
                                  std::optional<image::catalog::BundleKind> kind = std::nullopt);

}  // namespace banger::roles::daemon

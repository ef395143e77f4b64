#include "api/objects/catalog.h"

#include "api/wire.h"

namespace banger::api {

namespace {

constexpr std::string_view kKinds[] = {"image", "kernel"};

constexpr Field kEntryFields[] = {
    field<&CatalogEntryObject::kind>("kind", "What it is").one_of(kKinds),
    field<&CatalogEntryObject::name>("name", "The name, for `image.pull` or `kernel.pull`"),
    field<&CatalogEntryObject::description>("description", "What it contains"),
    field<&CatalogEntryObject::sources>("sources", "Where it comes from, in the order in which sources are tried"),
};

constexpr Field kCatalogFields[] = {
    field<&CatalogObject::place>("place", "The path or the URL of the catalog. Empty: it is compiled in"),
    field<&CatalogObject::entries>("entries", "The entries, in the order of the catalog"),
};

}  // namespace

constinit const Object CatalogEntryObject::kObject{.name = "catalog entry object", .fields = kEntryFields};
constinit const Object CatalogObject::kObject{.name = "catalog object", .fields = kCatalogFields};

}  // namespace banger::api

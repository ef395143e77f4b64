// banger image catalog
#include "roles/cli/show_catalog.h"

namespace banger::roles::cli {

namespace {

Result<int> run(Context& context) { return show_catalog(context, "image"); }

}  // namespace

extern const Command kImageCatalog;
constinit const Command kImageCatalog{
    .group = "image",
    .name = "catalog",
    .summary = "list the images that the catalog has, and where they come from",
    .details =
        "'banger image pull NAME' gets one of them. The sources of an image are tried from left to right.\n"
        "banger has a catalog of its own. 'catalog' in the config names another one.",
    .options = kCatalogOptions,
    .handler = run,
};

}  // namespace banger::roles::cli

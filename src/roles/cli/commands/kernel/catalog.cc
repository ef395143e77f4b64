// banger kernel catalog
#include "roles/cli/show_catalog.h"

namespace banger::roles::cli {

namespace {

Result<int> run(Context& context) { return show_catalog(context, "kernel"); }

}  // namespace

extern const Command kKernelCatalog;
constinit const Command kKernelCatalog{
    .group = "kernel",
    .name = "catalog",
    .summary = "list the kernels that the catalog has, and where they come from",
    .details =
        "'banger kernel pull NAME' gets one of them. The sources of a kernel are tried from left to right.\n"
        "banger has a catalog of its own. 'catalog' in the config names another one.",
    .options = kCatalogOptions,
    .handler = run,
};

}  // namespace banger::roles::cli

// banger kernel export
#include "roles/cli/arguments.h"
#include "roles/cli/export_bundle.h"

namespace banger::roles::cli {

namespace {

constexpr Positional kPositionals[] = {kKernelArgument};
constexpr Option kOptions[] = {kOutputOption};
constexpr Example kExamples[] = {
    {"banger kernel export debian-cloud", "writes debian-cloud-ID.tar.zst"},
    {"banger kernel export debian-cloud -o - | ssh host 'cat >debian-cloud.tar.zst'", ""},
};

Result<int> run(Context& context) {
  auto stores = TRY(Stores::open(context.io));
  auto kernel = TRY(stores.kernels->get(context.args.positionals[0]));
  return export_bundle(context, TRY(image::catalog::bundle_of(kernel)));
}

}  // namespace

extern const Command kKernelExport;
constinit const Command kKernelExport{
    .group = "kernel",
    .name = "export",
    .summary = "write a bundle of a kernel, for another host",
    .details =
        "A bundle is one compressed file. Its name has a part of the digest of its content. 'banger kernel import "
        "FILE' "
        "reads a bundle.",
    .positionals = kPositionals,
    .options = kOptions,
    .examples = kExamples,
    .handler = run,
};

}  // namespace banger::roles::cli

// banger image export
#include "roles/cli/arguments.h"
#include "roles/cli/export_bundle.h"

namespace banger::roles::cli {

namespace {

constexpr Positional kPositionals[] = {kImageArgument};
constexpr Option kOptions[] = {kOutputOption};
constexpr Example kExamples[] = {
    {"banger image export debian-bookworm", "writes debian-bookworm-ID.tar.zst"},
    {"banger image export debian-bookworm -o - | ssh host 'cat >debian-bookworm.tar.zst'", ""},
};

Result<int> run(Context& context) {
  auto stores = TRY(Stores::open(context.io));
  auto image = TRY(stores.images->get(context.args.positionals[0]));
  return export_bundle(context, TRY(image::catalog::bundle_of(image)));
}

}  // namespace

extern const Command kImageExport;
constinit const Command kImageExport{
    .group = "image",
    .name = "export",
    .summary = "write a bundle of an image, for another host",
    .details =
        "A bundle is one compressed file. Its name has a part of the digest of its content. 'banger image import FILE' "
        "reads a bundle. The kernel of the image has a bundle of its own.",
    .positionals = kPositionals,
    .options = kOptions,
    .examples = kExamples,
    .handler = run,
};

}  // namespace banger::roles::cli

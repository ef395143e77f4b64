// banger image register
#include <nlohmann/json.hpp>

#include "api/objects/image.h"
#include "roles/cli/arguments.h"
#include "roles/cli/connect.h"
#include "roles/cli/output.h"
#include "roles/cli/quiet.h"

namespace banger::roles::cli {

namespace {

constexpr Positional kPositionals[] = {{.name = "NAME", .help = "the name of the new image"}};
constexpr Option kOptions[] = {
    {.name = "rootfs",
     .kind = Kind::text,
     .value = "FILE",
     .help = "a file with an ext4 file system, which is not mounted",
     .names = Names::file},
    {.name = "kernel",
     .kind = Kind::text,
     .value = "KERNEL",
     .help = "the kernel that VMs of this image boot with",
     .names = Names::kernel},
    kQuietOption,
    kJsonOption,
};
constexpr Example kExamples[] = {{"banger image register mine --rootfs /srv/mine.ext4", ""}};

Result<int> run(Context& context) {
  auto rootfs = context.args.text("rootfs");
  if (!rootfs) return context.usage("'image register' needs --rootfs FILE");
  Json params = {{"name", context.args.positionals[0]}, {"rootfs", absolute_path(*rootfs)}};
  if (auto kernel = context.args.text("kernel")) params["kernel"] = *kernel;
  auto progress = io_for_progress(context);
  auto daemon = TRY(Daemon::connect(progress));
  auto image = TRY(daemon.get<api::ImageObject>("image.register", params));
  print_new(context, image, image.id, ready_line(image.name, image.rootfs_bytes));
  return exit_status::kOk;
}

}  // namespace

extern const Command kImageRegister;
constinit const Command kImageRegister{
    .group = "image",
    .name = "register",
    .summary = "make an image of a root file system that stays where it is",
    .details =
        "banger reads the file and never changes or deletes it. VMs of the image do not start while the file is "
        "missing, or after it has changed. Do not change it while VMs of the image run.\n"
        "'banger image promote NAME' copies the file, so that the image needs it no more.",
    .positionals = kPositionals,
    .options = kOptions,
    .examples = kExamples,
    .handler = run,
};

}  // namespace banger::roles::cli

// banger image import
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "api/objects/image.h"
#include "guestcfg/bounds.h"
#include "guestcfg/run_config.h"
#include "host/files.h"
#include "roles/cli/arguments.h"
#include "roles/cli/builder/input_file.h"
#include "roles/cli/connect.h"
#include "roles/cli/output.h"
#include "roles/cli/quiet.h"

namespace banger::roles::cli {

namespace {

constexpr Positional kPositionals[] = {
    {.name = "NAME",
     .help = "the name of the new image, or, alone, the file of a bundle; - for a pipe",
     .names = Names::file},
    {.name = "TAR|DIR|-",
     .help = "a root file system: a tar, compressed or not, or a directory; - reads a tar from a pipe",
     .names = Names::file,
     .required = false},
};
constexpr Option kOptions[] = {
    {.name = "kernel",
     .kind = Kind::text,
     .value = "KERNEL",
     .help = "the kernel that VMs of this image boot with",
     .names = Names::kernel},
    {.name = "config",
     .kind = Kind::text,
     .value = "FILE",
     .help = "how its programs want to run: the JSON of an OCI image configuration",
     .names = Names::file},
    {.name = "name", .kind = Kind::text, .value = "NAME", .help = "of a bundle: another name for its image"},
    kQuietOption,
    kJsonOption,
};
constexpr Example kExamples[] = {
    {"banger image import mine rootfs.tar.zst", ""},
    {"banger image import mine rootfs/", "from a directory"},
    {"docker export web | banger image import web -", "from a container"},
    {"banger image import debian-bookworm-0123456789ab.tar.zst", "a bundle of 'banger image export'"},
    {"ssh build banger image export mine -o - | banger image import -", "a bundle of another host"},
    {"skopeo inspect --config docker-archive:app.tar >app.json", ""},
    {"banger image import app rootfs.tar --config app.json", "with its variables, user and command"},
};

// Only the part that VMs honour is sent, because the whole document may be too long for a request.
Result<std::string> read_config(const std::string& path) {
  auto text = TRY(host::read_file(path, limits::kImageConfigBytes));
  return encode_json(guestcfg::to_json(TRY(in(path, guestcfg::parse_run_config(text)))));
}

Result<int> import_bundle(Context& context) {
  for (auto option : {"kernel", "config"})
    if (context.args.has(option)) return context.usage(fmt::format("a bundle has its own {}", option));
  auto file = TRY(InputFile::file(context.io, context.args.positionals[0]));
  Json params = {{"bundle", file.path()}};
  if (auto name = context.args.text("name")) params["name"] = *name;
  auto progress = io_for_progress(context);
  auto daemon = TRY(Daemon::connect(progress));
  auto image = TRY(daemon.get<api::ImageObject>("image.import_bundle", params));
  print_new(context, image, image.id, ready_line(image.name, image.size_bytes));
  return exit_status::kOk;
}

Result<int> run(Context& context) {
  if (context.args.positionals.size() == 1) return import_bundle(context);
  if (context.args.has("name")) return context.usage("--name is for bundles; the first word is the name otherwise");
  auto root = TRY(InputFile::file_or_tree(context.io, context.args.positionals[1]));
  Json params = {{"name", context.args.positionals[0]}, {"tar", root.path()}};
  if (auto kernel = context.args.text("kernel")) params["kernel"] = *kernel;
  if (auto config = context.args.text("config")) params["config"] = TRY(read_config(*config));
  auto progress = io_for_progress(context);
  auto daemon = TRY(Daemon::connect(progress));
  auto image = TRY(daemon.get<api::ImageObject>("image.import", params));
  print_new(context, image, image.id, ready_line(image.name, image.size_bytes));
  return exit_status::kOk;
}

}  // namespace

extern const Command kImageImport;
constinit const Command kImageImport{
    .group = "image",
    .name = "import",
    .summary = "make an image from the tar or the directory of a root file system, or from a bundle",
    .details =
        "Every distribution works, with systemd, OpenRC, runit, busybox init or without an init. Owners, modes, links "
        "and extended attributes are kept. Only root keeps the owners of the files in a directory; for other users, "
        "root "
        "owns them in the image.\n"
        "With --config, commands in VMs of the image get the variables, the directory and the user that the file "
        "names, as in a container. 'banger vm run --entrypoint' runs the command that the file names.",
    .positionals = kPositionals,
    .options = kOptions,
    .examples = kExamples,
    .handler = run,
};

}  // namespace banger::roles::cli

// banger image build
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "api/objects/image.h"
#include "roles/cli/build_image.h"
#include "roles/cli/connect.h"
#include "roles/cli/output.h"
#include "roles/cli/quiet.h"

namespace banger::roles::cli {

namespace {

constexpr Positional kPositionals[] = {
    {.name = "RECIPE", .help = "a recipe", .names = Names::recipe, .required = false},
};
constexpr Option kOptions[] = {
    {.name = "from-vm",
     .kind = Kind::text,
     .value = "VM",
     .help = "make the image from the files of this running VM",
     .names = Names::vm},
    {.name = "name", .kind = Kind::text, .value = "NAME", .help = "the name of the new image, with --from-vm"},
    kQuietOption,
    kJsonOption,
};
constexpr Example kExamples[] = {
    {"banger image build debian-bookworm", "the default image"},
    {"banger image build --from-vm web --name devbox", "from what the VM 'web' has now"},
};

Result<int> build_from_vm(Context& context, const std::string& vm) {
  auto name = context.args.text("name");
  if (!name) return fail(ErrorCode::invalid, "the new image needs a name", "add --name NAME");
  auto progress = io_for_progress(context);
  auto daemon = TRY(Daemon::connect(progress));
  Json params = {{"vm", vm}, {"name", *name}};
  auto made = TRY(daemon.get<api::GuestImageObject>("image.build_from_vm", params));
  for (const auto& [path, reason] : made.left_out)
    context.io.note(fmt::format("warning: {} is not in the image as it was: {}", safe_text(path), safe_text(reason)));
  if (made.left_out_more > 0) context.io.note(fmt::format("warning: so are {} more files", made.left_out_more));
  print_new(context, made.image, made.image.id, ready_line(made.image.name, made.image.size_bytes));
  return exit_status::kOk;
}

Result<int> build_recipe(Context& context, const std::string& name) {
  auto progress = io_for_progress(context);
  auto daemon = TRY(Daemon::connect(progress));
  auto built = daemon.get<api::ImageObject>("image.build", {{"name", name}});
  // A daemon that is a system service cannot gain the privileges that a build requires. A program of a terminal can.
  if (!built && built.error().code == ErrorCode::unsupported)
    built = daemon.get<api::ImageObject>("image.show",
                                         {{"image", TRY(build_image_here(progress, name, daemon.signals().fd()))}});
  auto image = TRY(std::move(built));
  print_new(context, image, image.id, ready_line(image.name, image.size_bytes));
  return exit_status::kOk;
}

Result<int> run(Context& context) {
  const auto& args = context.args;
  auto vm = args.text("from-vm");
  if (vm && !args.positionals.empty())
    return fail(ErrorCode::invalid, "an image is built from a recipe or from a VM, not from both",
                "leave out the recipe, or --from-vm");
  if (vm) return build_from_vm(context, *vm);
  if (args.positionals.empty())
    return fail(ErrorCode::invalid, "there is no recipe to build", "'banger image list' lists the recipes");
  if (args.has("name"))
    return fail(ErrorCode::invalid, "the image of a recipe has the recipe's name", "leave out --name");
  return build_recipe(context, args.positionals[0]);
}

}  // namespace

extern const Command kImageBuild;
constinit const Command kImageBuild{
    .group = "image",
    .name = "build",
    .summary = "build an image from a recipe or from a running VM",
    .details =
        "'banger image list' lists the recipes. A build does not require root.\n"
        "With --from-vm, the VM keeps running, and the image gets all its files, with /root. The machine id, SSH host "
        "keys, and the keys and variables that banger wrote do not get into the image. An older image of that name "
        "loses the name.",
    .positionals = kPositionals,
    .options = kOptions,
    .examples = kExamples,
    .handler = run,
};

}  // namespace banger::roles::cli

// banger image build
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "api/objects/image.h"
#include "roles/cli/build_image.h"
#include "roles/cli/builder/container_build.h"
#include "roles/cli/connect.h"
#include "roles/cli/output.h"
#include "roles/cli/quiet.h"

namespace banger::roles::cli {

namespace {

constexpr Positional kPositionals[] = {
    {.name = "RECIPE|CONTEXT",
     .help = "a recipe, or the directory of a Containerfile: a path with a '/', or '.'; '-' is a tar on standard input",
     .names = Names::recipe,
     .required = false},
};
constexpr Option kOptions[] = {
    {.name = "tag",
     .letter = 't',
     .kind = Kind::text,
     .value = "NAME",
     .help = "the name of the image that a Containerfile makes: a plain one, or as for docker: host/team/app:1"},
    {.name = "file",
     .letter = 'f',
     .kind = Kind::text,
     .value = "FILE",
     .help = "the Containerfile (default: Containerfile or Dockerfile in CONTEXT)",
     .names = Names::file},
    {.name = "build-arg",
     .kind = Kind::pair,
     .value = "KEY=VALUE",
     .help = "the value of an ARG of the Containerfile; may be repeated"},
    {.name = "target", .kind = Kind::text, .value = "STAGE", .help = "build this stage of the Containerfile"},
    {.name = "no-cache", .help = "run all steps again"},
    {.name = "pull", .help = "ask registries for newer base images, even if they are here"},
    {.name = "kernel",
     .kind = Kind::text,
     .value = "KERNEL",
     .help = "the kernel that VMs of the image of a Containerfile boot with",
     .names = Names::kernel},
    {.name = "from-vm",
     .kind = Kind::text,
     .value = "VM",
     .help = "make the image from the files of this running VM",
     .names = Names::vm},
    {.name = "name", .kind = Kind::text, .value = "NAME", .help = "the name of the new image, with --from-vm"},
    kQuietOption,
    kJsonOption,
};
constexpr std::string_view kContainerOptions[] = {"tag", "file", "build-arg", "target", "no-cache", "pull", "kernel"};
constexpr Example kExamples[] = {
    {"banger image build debian-bookworm", "the default image"},
    {"banger image build -t app .", "from the Containerfile or Dockerfile here"},
    {"banger image build -t app -f docker/Dockerfile --target test --build-arg V=2 .", ""},
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

Result<int> build_from_recipe(Context& context, const std::string& name) {
  auto progress = io_for_progress(context);
  auto daemon = TRY(Daemon::connect(progress));
  auto image = TRY(build_recipe(progress, daemon, name));
  print_new(context, image, image.id, ready_line(image.name, image.size_bytes));
  return exit_status::kOk;
}

Result<int> build_from_containerfile(Context& context) {
  const auto& args = context.args;
  auto name = args.text("tag");
  if (!name) return fail(ErrorCode::invalid, "the new image needs a name", "add -t NAME");
  if (args.has("name")) return fail(ErrorCode::invalid, "the image of a Containerfile has the name of -t");
  if (args.positionals[0] == "-" && ::isatty(context.io.in))
    return fail(ErrorCode::invalid, "a tar cannot come from a terminal", "pipe one in, or name a directory");
  ContainerBuild wanted{.context = args.positionals[0], .file = args.text("file"), .name = *name};
  wanted.arguments = args.pairs("build-arg");
  wanted.target = args.text("target").value_or("");
  wanted.kernel = args.text("kernel");
  wanted.no_cache = args.flag("no-cache");
  wanted.pull = args.flag("pull");
  wanted.quiet = args.flag("quiet");
  auto image = TRY(build_container(context.io, wanted));
  print_new(context, image, image.id, ready_line(image.name, image.size_bytes));
  return exit_status::kOk;
}

/// The names of recipes have no slash.
bool is_context(const Args& args) {
  const auto& word = args.positionals[0];
  bool path = word == "." || word == ".." || word == "-" || word.find('/') != word.npos;
  return path || std::ranges::any_of(kContainerOptions, [&](auto option) { return args.has(option); });
}

Result<int> run(Context& context) {
  const auto& args = context.args;
  auto vm = args.text("from-vm");
  if (vm && !args.positionals.empty())
    return fail(ErrorCode::invalid, "an image is built from a recipe or from a VM, not from both",
                "leave out the recipe, or --from-vm");
  for (auto option : kContainerOptions)
    if (args.has(option) && args.positionals.empty())
      return fail(ErrorCode::invalid, fmt::format("--{} needs the directory of a Containerfile", option),
                  "add a directory, for example '.'");
  if (vm) return build_from_vm(context, *vm);
  if (args.positionals.empty())
    return fail(ErrorCode::invalid, "there is no recipe to build", "'banger image list' lists the recipes");
  if (is_context(args)) return build_from_containerfile(context);
  if (args.has("name"))
    return fail(ErrorCode::invalid, "the image of a recipe has the recipe's name", "leave out --name");
  return build_from_recipe(context, args.positionals[0]);
}

}  // namespace

extern const Command kImageBuild;
constinit const Command kImageBuild{
    .group = "image",
    .name = "build",
    .summary = "build an image from a recipe, a Containerfile or a running VM",
    .details =
        "'banger image list' lists the recipes. A build does not require root.\n"
        "A Containerfile is built in the VM 'image-builder', which keeps the cache and stops after the build. The VM "
        "and its image are made when they are missing, which takes minutes once. Base images are pulled with the "
        "logins of this host, and the logins do not get into the VM. Files that .dockerignore names are not sent. The "
        "output goes to standard error.\n"
        "With --from-vm, the VM keeps running, and the image gets all its files, with /root. The machine id, SSH host "
        "keys, and the keys and variables that banger wrote do not get into the image. An older image of that name "
        "loses the name.",
    .positionals = kPositionals,
    .options = kOptions,
    .examples = kExamples,
    .handler = run,
};

}  // namespace banger::roles::cli

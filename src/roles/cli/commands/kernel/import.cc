// banger kernel import
#include <unistd.h>

#include <nlohmann/json.hpp>

#include "api/objects/kernel.h"
#include "roles/cli/arguments.h"
#include "roles/cli/builder/input_file.h"
#include "roles/cli/connect.h"
#include "roles/cli/output.h"
#include "roles/cli/quiet.h"

namespace banger::roles::cli {

namespace {

constexpr Positional kPositionals[] = {
    {.name = "NAME",
     .help = "the name of the new kernel, or, without --vmlinux, the file of a bundle; - for a pipe",
     .names = Names::file}};
constexpr Option kOptions[] = {
    {.name = "vmlinux",
     .kind = Kind::text,
     .value = "FILE",
     .help = "the kernel, as vmlinux or bzImage",
     .names = Names::file},
    {.name = "modules",
     .kind = Kind::text,
     .value = "DIR",
     .help = "the kernel's modules, a directory like /lib/modules/VERSION",
     .names = Names::directory},
    {.name = "initrd",
     .kind = Kind::text,
     .value = "FILE",
     .help = "an initrd that is loaded before banger's",
     .names = Names::file},
    {.name = "name", .kind = Kind::text, .value = "NAME", .help = "of a bundle: another name for its kernel"},
    kQuietOption,
    kJsonOption,
};
constexpr Example kExamples[] = {
    {"banger kernel import mine --vmlinux /boot/vmlinuz --modules /lib/modules/6.1.0", ""}};

Result<int> import_bundle(Context& context) {
  const auto& file = context.args.positionals[0];
  for (auto option : {"modules", "initrd"})
    if (context.args.has(option)) return context.usage("'kernel import' needs --vmlinux FILE, or a bundle alone");
  if (file != "-" && ::access(file.c_str(), F_OK) < 0 && file.find('/') == file.npos && file.find(".tar") == file.npos)
    return context.usage("'kernel import' needs --vmlinux FILE, or a bundle alone");
  auto bundle = TRY(InputFile::file(context.io, file));
  Json params = {{"bundle", bundle.path()}};
  if (auto name = context.args.text("name")) params["name"] = *name;
  auto progress = io_for_progress(context);
  auto daemon = TRY(Daemon::connect(progress));
  auto kernel = TRY(daemon.get<api::KernelObject>("kernel.import_bundle", params));
  print_new(context, kernel, kernel.name, ready_line(kernel.name, kernel.size_bytes));
  return exit_status::kOk;
}

Result<int> run(Context& context) {
  if (!context.args.has("vmlinux")) return import_bundle(context);
  if (context.args.has("name")) return context.usage("--name is for bundles; the word is the name otherwise");
  Json params = {{"name", context.args.positionals[0]}};
  for (auto file : {"vmlinux", "modules", "initrd"})
    if (auto path = context.args.text(file)) params[file] = absolute_path(*path);
  auto progress = io_for_progress(context);
  auto daemon = TRY(Daemon::connect(progress));
  auto kernel = TRY(daemon.get<api::KernelObject>("kernel.import", params));
  print_new(context, kernel, kernel.name, ready_line(kernel.name, kernel.size_bytes));
  return exit_status::kOk;
}

}  // namespace

extern const Command kKernelImport;
constinit const Command kKernelImport{
    .group = "kernel",
    .name = "import",
    .summary = "import a kernel from files on this host, or from a bundle",
    .details = "banger unpacks the ELF file from a bzImage.",
    .positionals = kPositionals,
    .options = kOptions,
    .examples = kExamples,
    .handler = run,
};

}  // namespace banger::roles::cli

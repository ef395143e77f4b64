// banger vm cp
#include <algorithm>

#include "roles/cli/command.h"
#include "roles/cli/copy.h"

namespace banger::roles::cli {

namespace {

constexpr Positional kPositionals[] = {
    {.name = "SOURCE",
     .help = "VM:PATH in a guest, else a path here; several need a directory to go to",
     .names = Names::vm_path,
     .repeated = true},
    {.name = "TARGET", .help = "VM:PATH or a path here", .names = Names::vm_path},
};
constexpr Example kExamples[] = {
    {"banger vm cp a.txt web:/root/", "into the guest"},
    {"banger vm cp web:/var/log logs", "out of it"},
    {"banger vm cp web:/etc/hosts db:/tmp/", "between guests"},
    {"banger vm cp site/. web:/srv", "what is inside site"},
};

Result<int> copy(Context& context) {
  std::vector<CopyPath> paths;
  for (const auto& text : context.args.positionals) paths.push_back(TRY(parse_copy_path(text)));
  CopyPath target = std::move(paths.back());
  paths.pop_back();
  if (target.vm.empty() && std::ranges::any_of(paths, [](const auto& path) { return path.vm.empty(); }))
    return context.usage("'vm cp' copies from or to a VM", "write one side as VM:PATH; cp copies on this host");
  TRY(copy_all(context.io, paths, target));
  return exit_status::kOk;
}

}  // namespace

extern const Command kVmCp;
constinit const Command kVmCp{
    .group = "vm",
    .name = "cp",
    .summary = "copy files and directories into, out of and between VMs",
    .details =
        "Into an existing directory, else under the target's name, as cp -r does; 'DIR/.' means what is inside. Modes, "
        "times and symlinks are kept; a source that ends in '/' is what a symlink leads to. A target that is a device, "
        "a symlink or one of several hard links stays that: its content changes. Inside a directory that is copied "
        "into, no symlink is written through. A FIFO here needs a reader; one in a guest is refused. A path in a guest "
        "that does not start with '/' is below /root. A path here that holds a ':' needs a '/' before it, as in ./a:b.",
    .positionals = kPositionals,
    .examples = kExamples,
    .handler = copy,
};

}  // namespace banger::roles::cli

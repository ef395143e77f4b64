// banger vm cp
#include <algorithm>

#include "roles/cli/command.h"
#include "roles/cli/copy.h"

namespace banger::roles::cli {

namespace {

constexpr Positional kPositionals[] = {
    {.name = "SOURCE",
     .help = "VM:PATH in a guest, or a path of this host; several sources need a directory as the target",
     .names = Names::vm_path,
     .repeated = true},
    {.name = "TARGET", .help = "VM:PATH in a guest, or a path of this host", .names = Names::vm_path},
};
constexpr Example kExamples[] = {
    {"banger vm cp a.txt web:/root/", "into the guest"},
    {"banger vm cp web:/var/log logs", "out of the guest"},
    {"banger vm cp web:/etc/hosts db:/tmp/", "between guests"},
    {"banger vm cp site/. web:/srv", "the files in site, without the directory itself"},
};

Result<int> copy(Context& context) {
  std::vector<CopyPath> paths;
  for (const auto& text : context.args.positionals) paths.push_back(TRY(parse_copy_path(text)));
  CopyPath target = std::move(paths.back());
  paths.pop_back();
  if (target.vm.empty() && std::ranges::any_of(paths, [](const auto& path) { return path.vm.empty(); }))
    return context.usage("'vm cp' copies from or to a VM",
                         "write one side as VM:PATH, or use cp for copies on this host");
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
        "The copy goes into an existing directory, or has the target's name, as with cp -r. 'DIR/.' means the files in "
        "DIR. Modes, times and symlinks are kept. If a source is a symlink and ends in '/', the directory behind it is "
        "copied.\n"
        "If the target is a device, a symlink or a file with several hard links, it stays and gets the new content. "
        "Inside a directory, no symlink is followed. A FIFO on this host needs a reader, and a FIFO in a guest is "
        "refused.\n"
        "A path in a guest that does not start with '/' is below /root. A path of this host that contains a ':' needs "
        "a "
        "'/' before it, as in ./a:b.",
    .positionals = kPositionals,
    .examples = kExamples,
    .handler = copy,
};

}  // namespace banger::roles::cli

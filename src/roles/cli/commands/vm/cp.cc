// banger vm cp
#include <algorithm>

#include "roles/cli/command.h"
#include "roles/cli/copy.h"

namespace banger::roles::cli {

namespace {

constexpr Positional kPositionals[] = {
    {.name = "SOURCE",
     .help =
         "VM:PATH in a guest, or a path of this host; several sources need a directory as the target. '-' is a tar on "
         "standard input",
     .names = Names::vm_path,
     .repeated = true},
    {.name = "TARGET",
     .help = "VM:PATH in a guest, or a path of this host. '-' writes a tar to standard output",
     .names = Names::vm_path},
};
constexpr Option kOptions[] = {
    {.name = "follow-link", .letter = 'L', .help = "copy what symlinks in the source lead to, instead of the symlinks"},
    {.name = "archive",
     .letter = 'a',
     .help = "keep the owners of this host's files, as numbers, and -p; without it, root owns the files in a guest"},
    {.name = "recursive", .letter = 'r', .help = "no effect, as in scp: directories are always copied"},
    {.name = "preserve",
     .letter = 'p',
     .help = "also give files that exist the permissions of the source; new files and directories always get them"},
};
constexpr Example kExamples[] = {
    {"banger vm cp a.txt web:/root/", "into the guest"},
    {"banger vm cp web:/var/log logs", "out of the guest"},
    {"banger vm cp web:/etc/hosts db:/tmp/", "between guests"},
    {"banger vm cp site/. web:/srv", "the files in site, without the directory itself"},
    {"banger vm cp web:/etc - | tar tf -", "a tar on standard output"},
    {"tar cz site | banger vm cp - web:/srv", "a tar from standard input, also a compressed one"},
    {"banger vm cp -- -x web:/", "a file whose name starts with a dash"},
};

constexpr std::string_view kStream = "-";

Result<int> copy_stream(Context& context, const std::vector<std::string>& words, const CopyOptions& options) {
  bool to_output = words.back() == kStream;
  if (words.size() != 2 || words.front() == words.back())
    return context.usage("with '-', 'vm cp' copies one tar", "write banger vm cp - VM:DIR, or banger vm cp VM:PATH -");
  auto path = TRY(parse_copy_path(to_output ? words.front() : words.back()));
  if (path.vm.empty()) return context.usage("'vm cp' copies from or to a VM", "write the other side as VM:PATH");
  if (to_output && context.io.out_is_terminal())
    return context.usage("a tar cannot be shown on a terminal", "redirect standard output, as in: - | tar tf -");
  if (to_output)
    TRY(copy_to_output(context.io, path, options));
  else
    TRY(copy_from_input(context.io, path, options));
  return exit_status::kOk;
}

Result<int> copy(Context& context) {
  const auto& words = context.args.positionals;
  bool archive = context.args.flag("archive");
  CopyOptions options{.follow_links = context.args.flag("follow-link"),
                      .replace_attributes = archive || context.args.flag("preserve"),
                      .keep_owner = archive};
  if (std::ranges::find(words, kStream) != words.end()) return copy_stream(context, words, options);
  std::vector<CopyPath> paths;
  for (const auto& text : words) paths.push_back(TRY(parse_copy_path(text)));
  CopyPath target = std::move(paths.back());
  paths.pop_back();
  if (target.vm.empty() && std::ranges::any_of(paths, [](const auto& path) { return path.vm.empty(); }))
    return context.usage("'vm cp' copies from or to a VM",
                         "write one side as VM:PATH, or use cp for copies on this host");
  TRY(copy_all(context.io, paths, target, options));
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
        "DIR. Times, symlinks and permissions are kept. If a source is a symlink and ends in '/', the directory behind "
        "it is copied.\n"
        "Between VMs, everything is kept. Into a VM, root owns the files, unless -a is given. Out of a VM, the files "
        "belong to you, and the setuid and setgid bits and the capabilities of files are dropped.\n"
        "A file that is written over keeps its owner and permissions, unless -a or -p is given. Of several sources, "
        "those that cannot be copied are named, and the others are copied. A whole file system is not copied.\n"
        "Sockets, devices, and files that cannot be read as a whole are named and left out. Then the rest is copied, "
        "and the status is 125. A copy out of a VM ends before the disk of this host is full.\n"
        "If the target is a device, a symlink or a file with several hard links, it stays and gets the new content. "
        "Inside a directory, no symlink is followed. A FIFO on this host needs a reader, and a FIFO in a guest is "
        "refused.\n"
        "A path in a guest that does not start with '/' is below /root. A path of this host that contains a ':' needs "
        "a '/' before it, as in ./a:b.",
    .positionals = kPositionals,
    .options = kOptions,
    .examples = kExamples,
    .handler = copy,
};

}  // namespace banger::roles::cli

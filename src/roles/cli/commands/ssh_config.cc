// banger ssh-config
#include "roles/cli/ssh_config.h"

#include <fmt/format.h>

#include "base/text.h"
#include "roles/cli/command.h"
#include "roles/cli/ssh_include.h"

namespace banger::roles::cli {

namespace {

constexpr Option kOptions[] = {
    {.name = "install", .help = "include the settings in ~/.ssh/config, by one marked block at its top"},
    {.name = "uninstall", .help = "remove that block, and nothing else"},
};
constexpr Example kExamples[] = {
    {"banger ssh-config --install", "from now on: ssh web.vm, scp, sftp, rsync, git clone ssh://web.vm/root/repo"},
    {"banger ssh-config", "print the settings, for example to put them elsewhere"},
};

Result<int> install(Io& io) {
  auto config = TRY(ssh_config(io));
  TRY(write_ssh_config(io, config));
  auto home = TRY(host::find_paths(io.env)).home;
  bool changed = TRY(install_include(home, config.path)) == Edit::changed;
  io.print(fmt::format("{}/.ssh/config {} {}\n", safe_text(home), changed ? "now includes" : "includes already",
                       safe_text(config.path)));
  return exit_status::kOk;
}

Result<int> uninstall(Io& io) {
  auto home = TRY(host::find_paths(io.env)).home;
  bool changed = TRY(uninstall_include(home)) == Edit::changed;
  auto file = safe_text(home) + "/.ssh/config";
  io.print(changed ? fmt::format("removed banger's block from {}\n", file)
                   : fmt::format("{} has no block of banger\n", file));
  return exit_status::kOk;
}

Result<int> run(Context& context) {
  bool add = context.args.flag("install"), remove = context.args.flag("uninstall");
  if (add && remove) return context.usage("--install and --uninstall exclude each other");
  if (add) return install(context.io);
  if (remove) return uninstall(context.io);
  context.io.print(TRY(ssh_config(context.io)).text);
  return exit_status::kOk;
}

}  // namespace

extern const Command kSshConfig;
constinit const Command kSshConfig{
    .name = "ssh-config",
    .summary = "let ssh and its relatives find VMs by name",
    .details =
        "Prints settings of ssh for all hosts *.vm, or installs them. ssh then connects through banger vm tunnel, with "
        "banger's key and banger's own known_hosts. So the guest needs no network, and a new VM with an old name "
        "causes "
        "no warning. banger writes the settings to a file of its own in the state directory.\n"
        "Without --install, banger never changes anything in ~/.ssh.",
    .options = kOptions,
    .examples = kExamples,
    .handler = run,
};

}  // namespace banger::roles::cli

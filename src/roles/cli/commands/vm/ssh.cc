// banger vm ssh
#include "api/objects/ssh.h"

#include <nlohmann/json.hpp>

#include "roles/cli/arguments.h"
#include "roles/cli/connect.h"
#include "roles/cli/guest_command.h"
#include "roles/cli/run_ssh.h"

namespace banger::roles::cli {

namespace {

constexpr Positional kPositionals[] = {kVmArgument};
constexpr Option kOptions[] = {kTtyOption};
constexpr Example kExamples[] = {
    {"banger vm ssh web", "a shell"},
    {"banger vm ssh web -- 'cd /srv && make'", "the guest's shell reads the words, as with ssh"},
};

Result<int> ssh(Context& context) {
  auto daemon = TRY(Daemon::connect(context.io));
  auto vm = TRY(daemon.get<api::SshObject>("vm.ssh", {{"vm", context.args.positionals[0]}}));
  return run_ssh(context.io, daemon.signals(),
                 {.name = vm.name, .terminal = context.args.flag("tty"), .words = context.args.words});
}

}  // namespace

extern const Command kVmSsh;
constinit const Command kVmSsh{
    .group = "vm",
    .name = "ssh",
    .summary = "log in to a running VM with ssh",
    .details =
        "Runs this host's ssh as root of the guest, over the link. So the guest needs no network. The settings are "
        "banger's own, and those of ~/.ssh/config are not read. The exit status is that of ssh: 255 when ssh itself "
        "fails.\n"
        "As with ssh, the words of a command are joined, and the guest's shell reads them.\n"
        "In a guest without an SSH server, banger's agent is the server.\n"
        "banger ssh-config makes scp, sftp, rsync, git and editors find VMs by name.",
    .positionals = kPositionals,
    .options = kOptions,
    .words = "CMD...",
    .words_follow = true,
    .examples = kExamples,
    .handler = ssh,
};

}  // namespace banger::roles::cli

// banger vm ssh
#include "api/objects/ssh.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "base/text.h"
#include "roles/cli/arguments.h"
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

/// A shell or a command over the link, with the words as a server of SSH would take them.
Result<int> without_server(Context& context, Daemon& daemon, const api::SshObject& vm) {
  bool is_shell = context.args.words.empty();
  context.io.note(fmt::format("vm '{}' has no SSH server; this is a {} over the link", safe_text(vm.name),
                              is_shell ? "shell" : "command"));
  if (!is_shell) context.args.words = {"/bin/sh", "-c", join(context.args.words, " ")};
  auto command = TRY(guest_command(context, vm.id));
  command.spec.user = "root";
  return run_in_guest(context.io, daemon, command);
}

Result<int> ssh(Context& context) {
  auto daemon = TRY(Daemon::connect(context.io));
  auto vm = TRY(daemon.get<api::SshObject>("vm.ssh", {{"vm", context.args.positionals[0]}}));
  if (!vm.server) return without_server(context, daemon, vm);
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
        "In a guest without an SSH server, banger prints so and opens a shell or runs the command over the link.\n"
        "banger ssh-config makes scp, sftp, rsync, git and editors find VMs by name.",
    .positionals = kPositionals,
    .options = kOptions,
    .words = "CMD...",
    .words_follow = true,
    .examples = kExamples,
    .handler = ssh,
};

}  // namespace banger::roles::cli

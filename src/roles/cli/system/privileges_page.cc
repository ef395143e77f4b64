#include "roles/cli/system/privileges_page.h"

#include <fmt/format.h>

#include "base/bounds.h"
#include "base/text.h"
#include "capabilities/privileged_table.h"
#include "roles/cli/system/units.h"

namespace banger::roles::cli {

namespace {

using capabilities::PrivilegedArgument;
using capabilities::PrivilegedOperation;

constexpr std::string_view kOpening = R"(# What runs as root

This page is written by the program itself (`banger system operations --markdown`); a test compares the two.

banger needs no root: without a system install everything runs as you, with user-mode networking. What cannot be had that way is done by the root
helper, `bangerd-root`: a separate small process that does the operations listed here and nothing else. A root user without a system install has the
same operations in his own daemon.

- It is never setuid. It refuses to run unless root started it, and root starts it as a systemd unit (`banger system install --owner USER`).
- It listens on `/run/bangerd/helper.sock`, which belongs to the owner with mode 0600, and asks the kernel who is at the other end (SO_PEERCRED): the
  owner and root are answered, everybody else is turned away.
)";

constexpr std::string_view kMiddle =
    R"(- What may be made (the name and range of the bridge, the directories) is in `/etc/banger/install.toml`, which only root can write; a helper whose file others
  could have written does not start. Nothing of it comes from a request.
- Before it serves it drops all capabilities but those that some operation needs, gives up gaining any (no-new-privileges) and installs a filter of
  system calls: files, its own processes, local and netlink sockets; no mounts, namespaces, tracing, modules, keys, other users' identities, network
  sockets. A refused call fails with EPERM, so that an operation ends with an error instead of halfway; one in another architecture's numbering ends the
  process. For its operation each process of a request keeps only the capabilities in the table.
- Paths in requests are opened beneath the directories of the install, over no symbolic link (openat2), and used by descriptor. Only regular files that belong
  to the owner and have one name are taken.
- CAP_SYS_ADMIN is for loop devices and device-mapper, and only `storage.snapshot.*` keep it. What the kernel reads there (where a snapshot's changed blocks are) is
  in a file of the owner's, and its guests never see it; with `storage` left at `overlay` or `copy` these operations are not asked for.
- Each request is one line in the journal: who, which operation, its arguments (made printable, cut), the outcome, how long it took.
)";

std::string_view name_of(PrivilegedArgument::Type type) {
  switch (type) {
    case PrivilegedArgument::Type::text:
      return "text";
    case PrivilegedArgument::Type::number:
      return "number";
    case PrivilegedArgument::Type::boolean:
      return "true or false";
    case PrivilegedArgument::Type::list:
      return "list of texts";
  }
  return "";
}

std::string arguments_of(const PrivilegedOperation& operation) {
  std::string text;
  for (const auto& argument : operation.arguments) {
    auto type = name_of(argument.type);
    text += fmt::format("{}`{}` ({}): {}", text.empty() ? "" : "<br>", argument.name, type, argument.rule);
  }
  return text.empty() ? "none" : text;
}

std::string row(const PrivilegedOperation& operation) {
  auto powers = join(capability_names_of(operation.powers), ", ");
  return fmt::format("| `{}` | {}. | {} | {} | {} |\n", operation.name, operation.summary, arguments_of(operation),
                     operation.undo.empty() ? "nothing stays" : fmt::format("`{}`", operation.undo),
                     powers.empty() ? "none" : powers);
}

std::string list(std::span<const LeftOut> items) {
  std::string text;
  for (const auto& item : items) text += fmt::format("| `{}` | {} |\n", item.directive, item.why);
  return text;
}

std::string indented(std::string_view lines) {
  std::string text;
  for (auto line : split(trim(lines), '\n')) text += line.empty() ? "\n" : fmt::format("    {}\n", line);
  return text;
}

std::string unit_section(const UnitFile& unit) {
  return fmt::format("### `{}`\n\n{}\n", unit.name, indented(unit.text));
}

config::Install install_with_jails() {
  return {.owner = "ana",
          .roots = {"/home/ana/.local/state/banger", "/home/ana/.local/share/banger"},
          .jailer = "/usr/bin/jailer",
          .firecracker = "/usr/bin/firecracker"};
}

constexpr std::string_view kJails = R"(### With jails

The operations `machine.jail` and `machine.unjail` are there only where `/etc/banger/install.toml` names a jailer and a Firecracker (`banger system install --jailer FILE
--firecracker FILE`). Elsewhere the helper has given up all that they need before it serves.

- Both programs, and every directory above them, must be root's and writable by nobody else.
- What a jail is made of is opened beneath the directories of the install, over no link, looked at by descriptor, and mounted by that same descriptor: a name that changes in between
  changes nothing. What is read only is mounted so.
- All mounts are in a namespace that only the jailed process is in; they go with it. What stays is the directory `jail` of the VM and the cgroup, which `machine.unjail` removes.
- Until the jailer works inside it, the jail's directory is root's: nobody can put a link into its way.
- The jailed process has the owner's user and group, so that the owner's daemon can watch, signal and take it over. The nodes of `/dev/kvm` and `/dev/net/tun` in its jail are the owner's:
  who is named as owner with a jailer may use these devices.
- The filter of system calls allows mounts, another root, device nodes and other users in addition, and mount namespaces but no others; operations that are not about jails take the narrow filter on top. What
  runs in a jail keeps the filter, with Firecracker's own on top, and has no capabilities.

The unit says in addition (the last word on a setting counts):

{1}
| directive | why |
|---|---|
{0}
)";

constexpr std::string_view kUnits = R"(## The units

`systemd-analyze security` rates them; a test holds the owner's daemon at 4.0 or less and the helper at 5.0 or less. They are shown for an owner called `ana`.
The daemon is the one that `banger` would start by itself, with the same directories, so that an install hides no VM; variables like `XDG_STATE_HOME` of
the owner's shell are not known to a unit, so who uses them says so with `systemctl edit bangerd`. As a unit the daemon cannot gain privileges, which
image builds as a user need (newuidmap): `banger image build` then runs in the terminal of whoever asks.

)";

}  // namespace

std::string privileges_page() {
  std::string page(kOpening);
  page += fmt::format(
      "- One request a connection, at most {}, to be there within {}, done within {}; each in a process of its own, "
      "one operation at a time.\n",
      format_size(limits::kHelperMessageBytes), format_duration(limits::kHelperRequestDeadline),
      format_duration(limits::kHelperDeadline));
  page += kMiddle;
  page +=
      "\n## Operations\n\nMaking what is there already, and removing what has gone, succeeds.\n\n"
      "| operation | effect | arguments, all needed and no others | taken back by | capabilities "
      "|\n|---|---|---|---|---|\n";
  for (const auto* operation : capabilities::privileged_table()) page += row(*operation);
  page += "\n";
  page += kUnits;
  for (const auto& unit : unit_files({.name = "ana", .home = "/home/ana"}, "/usr/lib/banger/banger", {}))
    page += unit_section(unit);
  page += fmt::format("### What the helper's unit leaves out\n\n| directive | why |\n|---|---|\n{}\n",
                      list(left_out_of_helper()));
  page += fmt::format(kJails, list(left_out_for_jails()), indented(jail_lines(install_with_jails())));
  page += fmt::format("### What the daemon's unit leaves out\n\n| directive | why |\n|---|---|\n{}",
                      list(left_out_of_daemon()));
  return page;
}

}  // namespace banger::roles::cli

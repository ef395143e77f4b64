#include "roles/cli/system/privileges_page.h"

#include <fmt/format.h>

#include "base/bounds.h"
#include "base/text.h"
#include "capabilities/privileged_table.h"
#include "roles/cli/markdown.h"
#include "roles/cli/system/units.h"

namespace banger::roles::cli {

namespace {

using capabilities::PrivilegedArgument;
using capabilities::PrivilegedOperation;

constexpr std::string_view kOpening = R"(# What runs as root

This page is the output of `banger system operations --markdown`, and a test compares the two.

banger does not require root. Without a system install everything runs as you (`docs/network.md`). Some features
require root, and the root helper `bangerd-root` provides them. The helper is a small process of its own that runs the
operations below and nothing else. The daemon of a root user without a system install runs the same operations itself.

## The helper

- The helper is never setuid. It runs only if root has started it, as a systemd unit. The command is
  `banger system install --owner USER`.
- It listens on `/run/bangerd/helper.sock`, which belongs to the owner and has mode 0600.
- It asks the kernel for the peer of each connection (SO_PEERCRED), and serves only the owner and root.
)";

constexpr std::string_view kMiddle =
    R"(- The file `/etc/banger/install.toml` says which bridge, address range and directories are allowed. Only root can
  write the file, and the helper refuses a file that others can write. A request cannot change these settings.
- Before it serves, the helper drops all Linux capabilities that no operation requires, and sets no-new-privileges. For
  each request a process keeps only the capabilities of its operation.
- A filter allows only system calls for files, processes of the helper, local sockets and netlink sockets. It does not
  allow mounts, namespaces, tracing, kernel modules, keys, other users' identities or network sockets.
- A refused system call fails with EPERM, so the operation ends with an error. A system call in the numbering of another
  architecture ends the process.
- Paths in requests are opened beneath the directories of the install, without symbolic links (openat2). The helper then
  uses the descriptor. It accepts only regular files of the owner that have one name.
- CAP_SYS_ADMIN is for loop devices and device-mapper. Only `storage.snapshot.*` and the operations of jails keep it.
- With `storage.snapshot.*` the kernel reads the place of a snapshot's changed blocks from a file of the owner, which
  guests never see. With `storage = "overlay"` or `"copy"`, the daemon does not use these operations.
- Each request is one line in the journal. The line has the user, the operation, its arguments, the outcome and the
  time. Arguments are made printable and cut.

## Operations

- Making a thing that exists succeeds, and so does removing a thing that is gone.
- All arguments of an operation are required, and there are no others.
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

std::string text_of(const PrivilegedOperation& operation) {
  auto text = fmt::format("\n### `{}`\n\n", operation.name) + wrapped(fmt::format("{}.", operation.summary)) + "\n";
  for (const auto& argument : operation.arguments)
    text += item(fmt::format("`{}` ({}): {}.", argument.name, name_of(argument.type), argument.rule));
  auto powers = join(capability_names_of(operation.powers), ", ");
  text += item(fmt::format("Capabilities: {}.", powers.empty() ? "none" : powers));
  return text +
         item(operation.undo.empty() ? "Nothing is left to undo." : fmt::format("Undone by `{}`.", operation.undo));
}

std::string list(std::span<const LeftOut> items) {
  std::string text;
  for (const auto& each : items) text += item(fmt::format("`{}`: {}.", each.directive, each.why));
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

constexpr std::string_view kJails = R"(
### With jails

The operations `machine.jail` and `machine.unjail` exist only if `/etc/banger/install.toml` names a jailer and a
Firecracker. The command is `banger system install --jailer FILE --firecracker FILE`. Without jails the helper gives up
everything that only jails require.

- Both programs, and every directory above them, must belong to root. Nobody else may be able to write them.
- The files of a jail are opened beneath the directories of the install, without symbolic links. They are checked and
  mounted by descriptor, so a name that changes in between has no effect.
- Files that a jail only reads are mounted read-only.
- All mounts are in a namespace that contains only the jailed process, and end with that namespace. The VM's directory
  `jail` and the cgroup remain until `machine.unjail` removes them.
- The directory of the jail belongs to root until the jailer works inside it. So nobody can put a link there.
- The jailed process has the owner's user and group, so the owner's daemon can watch, signal and adopt it.
- The nodes of `/dev/kvm` and `/dev/net/tun` in the jail belong to the owner. So an owner with a jailer may use these
  devices.
- For jails, the filter of system calls also allows mounts, mount namespaces, another root, device nodes and other
  users. Other operations add the narrow filter on top.
- A jailed process keeps the filter and adds Firecracker's own. It has no capabilities.

For jails the helper's unit has these lines too. The last line for a setting counts.

)";

constexpr std::string_view kUnits = R"(
## The units

The units below are those of an owner named `ana`. `systemd-analyze security` rates units. A test requires 4.0 or less
for the owner's daemon, and 5.0 or less for the helper.

- The daemon uses the directories that it would use without an install, so an install hides no VM.
- A unit does not have the environment of the owner's shell. Set variables like `XDG_STATE_HOME` with
  `systemctl edit bangerd`.
- As a unit, the daemon cannot gain privileges, which newuidmap requires. So `banger image build` builds images in the
  terminal of its user.

)";

}  // namespace

std::string privileges_page() {
  std::string page(kOpening);
  page +=
      item(fmt::format("A connection has one request of at most {}. The request must arrive within {}, and be done "
                       "within {}. Operations run one at a time, each in a process of its own.",
                       format_size(limits::kHelperMessageBytes), format_duration(limits::kHelperRequestDeadline),
                       format_duration(limits::kHelperDeadline)));
  page += kMiddle;
  for (const auto* operation : capabilities::privileged_table()) page += text_of(*operation);
  page += kUnits;
  for (const auto& unit : unit_files({.name = "ana", .home = "/home/ana"}, "/usr/lib/banger/banger", {}))
    page += unit_section(unit);
  page += "### What the helper's unit leaves out\n\n" + list(left_out_of_helper());
  page += std::string(kJails) + indented(jail_lines(install_with_jails())) + "\nThey replace these settings.\n\n" +
          list(left_out_for_jails());
  page += "\n### What the daemon's unit leaves out\n\n" + list(left_out_of_daemon());
  return page;
}

}  // namespace banger::roles::cli

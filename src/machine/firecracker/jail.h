// A jail for one Firecracker: a root directory that contains only the files Firecracker opens. The jailer that comes
// with Firecracker enters it. Here are names, rules and the command line. capabilities/jail/jail.cc makes the jail,
// which needs root. Source: Firecracker's docs/jailer.md.
//
//   DIRECTORY/            the VM's own, where a Firecracker without a jail runs
//     api.sock ─► jail/api.sock       so that clients need not know of the jail
//     disk1 ─► …                      leads to the file that is mounted at jail/disk1, only for processes inside
//     jail/                           its "/": mounted for it at BASE/NAME/ID/root, with the files mounted in it
#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace banger::machine::firecracker {

struct Jail {
  std::string jailer_binary, firecracker_binary;  ///< full paths
  std::string base;                               ///< directory of all jails
  std::string id;                                 ///< of the instance: letters, digits and '-'
  uid_t uid = 0;                                  ///< the user that Firecracker runs as
  gid_t gid = 0;
  std::string cgroup;  ///< of version 2, relative to its root; empty: Firecracker stays in the jailer's cgroup
};

/// `invalid` for values that the jailer refuses. `unsupported` for running as root, which a jail cannot confine.
Result<> check(const Jail& jail);

/// The file name of Firecracker's binary: Firecracker's "/" is BASE/NAME/ID/root.
std::string exec_name(const Jail& jail);
std::string jail_root(const Jail& jail);

/// The jailer's command line. `arguments` are Firecracker's own arguments without --id.
std::vector<std::string> jailer_command_line(const Jail& jail, const std::vector<std::string>& arguments);
/// Firecracker's arguments in a jail, with all names relative to its root.
std::vector<std::string> jailed_arguments();

inline constexpr std::string_view kJailDirectory = "jail";  ///< in the VM's directory
inline constexpr std::string_view kJailCgroups = "banger";  ///< parent of the groups, each named like its jail
inline constexpr std::string_view kJailedKernel = "vmlinux", kLoadedDevices = "loaded.devices",
                                  kLoadedMemory = "loaded.memory";
inline constexpr std::string_view kSavedDevices = "saved.devices", kSavedMemory = "saved.memory";

/// A file that Firecracker opens.
struct JailFile {
  std::string path;  ///< on the host
  std::string name;  ///< in the jail
};
/// Whether a file of a jail may have that name: only the names that a machine is started with.
bool is_jail_file_name(std::string_view name);

/// The process id in the jailer's pid file. `not_found` while the file is empty, because the jailer writes it in two
/// steps.
Result<pid_t> parse_pid_file(std::string_view text);

}  // namespace banger::machine::firecracker

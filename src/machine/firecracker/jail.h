// A jail for one Firecracker: a root directory of its own with nothing in it but what it opens, entered by the jailer
// that comes with Firecracker. Names, rules and the command line; who makes a jail, which needs root, is in
// capabilities/jail/jail.cc. Source: Firecracker's docs/jailer.md.
//
//   DIRECTORY/            the VM's own, where a Firecracker without a jail works
//     api.sock ─► jail/api.sock       so that whoever talks to it need not know
//     disk1 ─► …                      leads to the file that is mounted at jail/disk1, for those inside only
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
  uid_t uid = 0;                                  ///< what Firecracker runs as in it
  gid_t gid = 0;
  std::string cgroup;  ///< of version 2, below its root; empty: it stays where the jailer is
};

/// `invalid` for what the jailer refuses; `unsupported` for running as root, which would be no jail.
Result<> check(const Jail& jail);

/// The name of Firecracker's file: BASE/NAME/ID/root is what it sees as "/".
std::string exec_name(const Jail& jail);
std::string jail_root(const Jail& jail);

/// The jailer's command line; `arguments` are Firecracker's own but for --id.
std::vector<std::string> jailer_command_line(const Jail& jail, const std::vector<std::string>& arguments);
/// Firecracker's arguments in a jail, where all names are below its root.
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
/// Whether a file of a jail may have that name: one of those that a machine is started with.
bool is_jail_file_name(std::string_view name);

/// What the jailer wrote into its pid file: `not_found` while it is empty, for it is written in two steps.
Result<pid_t> parse_pid_file(std::string_view text);

}  // namespace banger::machine::firecracker

// A jail for one Firecracker: a root directory of its own with nothing in it but what it opens, entered by the jailer that
// comes with Firecracker. Making one needs root; who is allowed to ask for it is not decided here.
// Source: Firecracker's docs/jailer.md.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "base/result.h"

namespace banger::machine::firecracker {

struct Jail {
  std::string jailer_binary, firecracker_binary;  ///< full paths
  std::string base;                               ///< directory of all jails, on the file system of the disks
  std::string id;                                 ///< of the instance: letters, digits and '-'
  uid_t uid = 0;                                  ///< what Firecracker runs as in it
  gid_t gid = 0;
  std::string parent_cgroup;  ///< below the cgroup file system (version 2); empty: it stays where the jailer is
};

/// `invalid` for what the jailer refuses, and for running as root, which would be no jail.
Result<> check(const Jail& jail);

/// BASE/NAME/ID: all of it, made by the jailer and to be removed by us.
std::string jail_directory(const Jail& jail);
/// What Firecracker sees as "/": its API socket and all its relative names are in there.
std::string jail_root(const Jail& jail);

/// The jailer's command line; `arguments` are Firecracker's own but for --id.
std::vector<std::string> jailer_command_line(const Jail& jail, const std::vector<std::string>& arguments);

/// A file that Firecracker opens.
struct JailFile {
  std::string path;  ///< on the host
  std::string name;  ///< in the jail
  bool writable = false;
};

/// Puts files into the jail's root: writable ones as hard links, given to its user; others as hard links where that user
/// can read them, else as copies (a reflink where the file system can). May be repeated. `unsupported` when a writable
/// file is on another file system: a copy would be written instead of it. Blocking.
Result<> fill_jail(const Jail& jail, const std::vector<JailFile>& files);

/// Firecracker's process id, which is not the jailer's: `not_found` until the jailer has written it.
Result<pid_t> jailed_process(const Jail& jail);

/// Removes the jail and its cgroup; fine when there is none. The process must have ended. Blocking.
Result<> remove_jail(const Jail& jail);

}  // namespace banger::machine::firecracker

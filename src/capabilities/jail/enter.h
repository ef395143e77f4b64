// The parts of a jail, all held open, and the process that enters the jail by becoming the jailer.
#pragma once

#include <string>
#include <vector>

#include "base/unique_fd.h"
#include "machine/firecracker/jail.h"

namespace banger::capabilities {

struct JailPart {
  std::string name;
  UniqueFd mount;  ///< a mount of a file, attached nowhere yet
};

struct JailLaunch {
  machine::firecracker::Jail jail;
  UniqueFd directory, root;  ///< the VM's directory, and `jail` in that directory
  UniqueFd root_mount;
  std::vector<JailPart> parts;
  UniqueFd console, errors;
  std::string group;  ///< full path; empty: this host has no cgroups
  bool small_pages =
      /// no transparent huge pages, so the process uses only memory that it touches (prctl(2), PR_SET_THP_DISABLE)
      false;
};

/// Returns only on failure. REQUIRES: no other threads, in a process made for this call.
Error become_jailer(const JailLaunch& launch);

}  // namespace banger::capabilities

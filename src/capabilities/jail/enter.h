// What a jail is made of, once all of it is held open, and the process that goes into it by becoming the jailer.
#pragma once

#include <string>
#include <vector>

#include "base/unique_fd.h"
#include "machine/firecracker/jail.h"

namespace banger::capabilities {

struct JailPart {
  std::string name;
  UniqueFd mount;  ///< of a file, attached nowhere yet
};

struct JailLaunch {
  machine::firecracker::Jail jail;
  UniqueFd directory, root;  ///< the VM's, and `jail` in it
  UniqueFd root_mount;
  std::vector<JailPart> parts;
  UniqueFd console, errors;
  std::string group;  ///< full path; empty: this host has no cgroups
  bool small_pages =
      false;  ///< no transparent huge pages: its memory is only what it touches (prctl(2), PR_SET_THP_DISABLE)
};

/// Never returns when it works. REQUIRES: no other threads, and a process that is for nothing else.
Error become_jailer(const JailLaunch& launch);

}  // namespace banger::capabilities

// A working tree of a guest, read from the tar that the guest sends. Hostile input: nothing is written, and memory has
// limits. Blocking.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "workspace/manifest.h"

namespace banger::workspace {

struct GuestTree {
  bool empty = true;                        ///< the directory has nothing in it
  std::optional<std::string> manifest;      ///< the text that a prepare left there
  std::string head;                         ///< the content of .git/HEAD
  std::map<std::string, std::string> refs;  ///< branches, tags and the stash: name → id
  FileStates files;                         ///< without git directories
};

/// Reads the tar, whose names begin with `name`. `exhausted` for more than limits::kWorkspaceFiles names.
Result<GuestTree> read_guest_tree(int tar_fd, const std::string& name);

}  // namespace banger::workspace

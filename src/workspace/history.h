// The commits and other objects that travel. Blocking.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "workspace/repository.h"

namespace banger::workspace {

struct History {
  std::vector<std::string> commits;
  std::set<std::string> boundary;  ///< commits whose parents do not travel
};

/// The latest commits before `head`, at most so many, or all for Mode::full_copy.
Result<History> find_history(const Source& source, const Start& start, std::size_t most);

/// Writes a pack with the history, and with what is only in the index, to the file `out_fd`. With Mode::full_copy, also
/// with what all references of the source lead to. `invalid` when objects are missing.
Result<> write_pack(const Source& source, const Start& start, const History& history, int out_fd);

/// The references that a full copy takes along, as "id name" lines.
Result<std::string> list_refs(const Source& source);

}  // namespace banger::workspace

// Branches, tags and the stash of a git directory, read without git. Hostile input: memory has limits.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "base/result.h"

namespace banger::workspace {

using Refs = std::map<std::string, std::string>;  ///< name → id

/// Adds the references of the text of a file "packed-refs" that count as work and are not there yet. `exhausted` for
/// more than limits::kRefs.
Result<> add_packed_refs(std::string_view text, Refs& refs);

/// The references of the git directory ".git" beneath the open directory `top` that count as work.
Result<Refs> read_work_refs(int top);

}  // namespace banger::workspace

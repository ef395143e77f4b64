// The files that travel, as they are on the host now. Blocking.
#pragma once

#include <string>

#include "workspace/manifest.h"
#include "workspace/start.h"

namespace banger::workspace {

/// The states of all files that travel, as they are on the host now. A file that cannot be read is an error, because it
/// would count as deleted.
///
/// `known` may have the text of a cache of the tree. Only files that may have changed are read then, and the text of
/// the next cache takes its place.
Result<FileStates> states_of(const Start& start, const std::string& tree, const std::string& files,
                             const StopFlag* stop = nullptr, std::string* known = nullptr);

}  // namespace banger::workspace

// Names of objects that an unpacking has not finished.
#pragma once

#include <string>

namespace banger::tar {

inline const std::string kStagedPrefix = ".banger-cp-";

/// The staged name of a new directory at the top.
inline std::string staged_tree(const std::string& staged) { return staged + "-tree"; }

}  // namespace banger::tar

// The file of this program, to start its other roles.
#pragma once

#include <string>

namespace banger::host {

/// A full path. After an upgrade, the path leads to the newer file. Empty when /proc is not there.
std::string own_program();

}  // namespace banger::host

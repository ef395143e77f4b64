// Resource limits that a process inherits from the shell that started it (setrlimit(2)). A daemon outlives that shell,
// so it takes all that it may have, and names what is still too little.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"

namespace banger::host {

/// Raises the limits that could end this process or its machines: to what they need as root, else to the hard limits.
/// Memory of this process and its machines never goes into core files. A file that would grow over its limit is an
/// error of the write, and not the end of the process (SIGXFSZ is ignored). Programs that are started later inherit
/// all of this.
void raise_limits();

/// A limit that is lower than machines need.
struct LowLimit {
  std::string what;    ///< "the size of a file"
  std::string option;  ///< of the shell's ulimit: "-f"
  std::string value;   ///< "1000K"
};
std::vector<LowLimit> low_limits();

}  // namespace banger::host

// What starting a process costs in this guest, without link, host or command line: the bare figure scripts/bench
// compares with.
#pragma once

#include <string>

#include "base/result.h"

namespace banger::roles::agent {

/// Starts `program` `rounds` times the way POST /exec does, waits for each, and prints the milliseconds of each on a
/// line.
Result<> measure_spawn(int rounds, const std::string& program);

}  // namespace banger::roles::agent

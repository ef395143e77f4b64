// Measures the start of a process in this guest, without link, host or command line. scripts/bench compares its figures
// with this one.
#pragma once

#include <string>

#include "base/result.h"

namespace banger::roles::agent {

/// Starts `program` `rounds` times as POST /exec does and waits for each. Prints the milliseconds of each on a line.
Result<> measure_spawn(int rounds, const std::string& program);

}  // namespace banger::roles::agent

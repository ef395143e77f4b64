// Core files of this process.
#pragma once

#include "base/result.h"

namespace banger::host {

/// From now on core files of this process and its children have none of their memory (core(5), coredump_filter).
Result<> keep_memory_out_of_core_files();

}  // namespace banger::host

// What the disk capabilities share on the host: making a VM's disk file once, completely, and growing it.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "base/task.h"
#include "host/runtime.h"

namespace banger::capabilities {

/// Makes the disk file at `path` with `make(temporary path)` unless the file exists, then grows it to size_bytes (never
/// shrinks it). The file appears by rename, so an existing file is complete. Runs on the pool.
Task<Result<>> ensure_disk(host::Runtime& runtime, std::string path, std::uint64_t size_bytes,
                           std::function<Result<>(const std::string& temporary)> make);

/// `exhausted` when the file system that will hold `directory` has too little room to start a VM. `directory` need not
/// exist yet.
Result<> check_room(const std::string& directory);

}  // namespace banger::capabilities

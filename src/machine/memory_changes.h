// The difference between a machine's memory and the file that it is mapped from, stored as a small file. Another
// machine that maps the same file can apply the difference. So a fork shares its parent's memory file instead of
// copying it.
//
// The format is a sequence of runs of pages. A run has the offset in the guest's memory and the size, both 64 bits in
// this host's byte order, and then the bytes. Offsets ascend. The file is read only on the host, and by the user, that
// wrote it.
#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"
#include "machine/guest_memory.h"

namespace banger::machine {

/// How many bytes the process does not share with its memory file. Blocks.
Result<std::uint64_t> count_changes(const GuestMemory& memory);

/// Writes these bytes to the new file `to`, and returns their number. The guest is paused. Blocks.
Result<std::uint64_t> write_changes(const GuestMemory& memory, const std::string& to);

/// Writes the runs of `from` into the process's memory, before its guest runs. `corrupt` when the file is incomplete,
/// or belongs to a memory of another size. Blocks.
Result<> apply_changes(const GuestMemory& memory, const std::string& from);

}  // namespace banger::machine

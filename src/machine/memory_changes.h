// What sets one machine's memory apart from the file that it is mapped from, as a small file, and putting that into
// another machine that maps the same file: how a fork shares its parent's memory file instead of copying it.
//
// The file is a row of runs of pages: the offset in the guest's memory and the size, 64 bits each in this host's byte
// order, then so many bytes. Offsets rise. It is read where it was written, by whoever wrote it.
#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"
#include "machine/guest_memory.h"

namespace banger::machine {

/// How many bytes the process does not share with its memory file. Blocks.
Result<std::uint64_t> count_changes(const GuestMemory& memory);

/// Writes them to the new file `to` and gives back how many. The guest stands still meanwhile. Blocks.
Result<std::uint64_t> write_changes(const GuestMemory& memory, const std::string& to);

/// Writes what is in `from` into the process's memory; its guest has not run yet. `corrupt` where the file is not whole
/// or is not of a memory of this size. Blocks.
Result<> apply_changes(const GuestMemory& memory, const std::string& from);

}  // namespace banger::machine

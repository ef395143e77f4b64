// A guest's memory as it lies in its VMM's address space, read from outside while the guest stands still. It knows no
// VMM and no protocol. Source: proc(5), /proc/PID/{maps,pagemap,mem}.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "base/result.h"
#include "base/unique_fd.h"
#include "host/child.h"

namespace banger::machine {

/// Where the guest's memory is mapped.
struct GuestMemory {
  pid_t pid = 0;
  std::uint64_t address = 0;
  std::uint64_t size_bytes = 0;
  bool shared = false;  ///< the file has every write already
};

/// Finds the mapping of `memory_file`, or, where that is empty, the anonymous one of exactly that size. `denied` when
/// this host forbids reading the process, `not_found` when it has no such mapping.
Result<GuestMemory> find_guest_memory(pid_t pid, const std::string& memory_file, std::uint64_t size_bytes);

/// The process's memory as a file, in which the guest's begins at `address`. `denied` as above.
Result<UniqueFd> open_memory(const GuestMemory& memory, int flags);

/// Reads so many bytes of the guest's memory, from `offset` in it, by what open_memory() gave.
Result<> read_memory(const UniqueFd& from, const GuestMemory& memory, std::uint64_t offset, char* bytes,
                     std::uint64_t count);

/// Told of pages that follow each other, by offset and size in bytes from the beginning of the guest's memory.
using OnOwnPages = std::function<Result<>(std::uint64_t offset, std::uint64_t size)>;

/// Tells, from the first to the last, the pages that the process does not share with its memory file. Blocks.
Result<> for_own_pages(const GuestMemory& memory, const OnOwnPages& told);

/// Writes the pages that the process does not share with its memory file (all that are in use, where there is none) to
/// the same offsets of `to`; gives back how many bytes. Pages of zeros of anonymous memory stay holes. Blocks.
Result<std::uint64_t> write_own_pages(const GuestMemory& memory, const std::string& to);

}  // namespace banger::machine

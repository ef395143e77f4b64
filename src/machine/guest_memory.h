// A guest's memory in its VMM's address space, read from outside while the guest is paused. Independent of VMM and
// protocol. Source: proc(5), /proc/PID/{maps,pagemap,mem}.
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
  bool shared = false;  ///< every write goes to the file
};

/// Finds the mapping of `memory_file`. If `memory_file` is empty, finds the anonymous mapping of exactly that size.
/// `denied` when this host forbids reading the process, `not_found` when there is no such mapping.
Result<GuestMemory> find_guest_memory(pid_t pid, const std::string& memory_file, std::uint64_t size_bytes);

/// Opens the process's memory as a file. The guest's memory begins at offset `address`. `denied` as above.
Result<UniqueFd> open_memory(const GuestMemory& memory, int flags);

/// Reads `count` bytes at `offset` of the guest's memory. `from` is the file of open_memory().
Result<> read_memory(const UniqueFd& from, const GuestMemory& memory, std::uint64_t offset, char* bytes,
                     std::uint64_t count);

/// Called with a run of consecutive pages: offset and size, in bytes from the beginning of the guest's memory.
using OnOwnPages = std::function<Result<>(std::uint64_t offset, std::uint64_t size)>;

/// Calls `visit`, in ascending order, for the pages that the process does not share with its memory file. Blocks.
Result<> for_own_pages(const GuestMemory& memory, const OnOwnPages& visit);

/// Writes the pages that the process does not share with its memory file to the same offsets of `to`. Without a memory
/// file, writes all pages in use. Returns the number of bytes. Zero pages of anonymous memory stay holes. Blocks.
Result<std::uint64_t> write_own_pages(const GuestMemory& memory, const std::string& to);

}  // namespace banger::machine

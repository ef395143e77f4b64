// Bounds on archives and trees, each with its reason. Bounds that several folders share are in base/bounds.h.
#pragma once

#include <cstddef>

#include "base/bounds.h"

namespace banger::limits {

inline constexpr std::size_t kArchiveEntries = 4'000'000;  ///< entries in one root file system
/// Extended attributes of one archive entry; ext4 holds less.
inline constexpr std::size_t kEntryXattrBytes = 64 * kKiB;
inline constexpr std::size_t kTreeDepth = 256;  ///< nested directories packed or copied; each holds a descriptor
inline constexpr std::size_t kArchivePaddingBytes = 64 * kMiB;  ///< after the end marker; a longer rest is not padding
/// Headers, or the map of holes, of one archive entry. libarchive keeps them in up to twelve times the memory.
inline constexpr std::size_t kEntryHeaderBytes = 4 * kMiB;
/// What unpacking remembers of files and directories until its end: enough for a million of them.
inline constexpr std::size_t kUnpackMemoryBytes = 256 * kMiB;
inline constexpr std::size_t kRememberedBytes = 160;  ///< of memory for one file or directory, beside its name
/// Parts with data in the map of one file. A header of more than 1 MiB is refused by libarchive. Of a file with more
/// parts, the smallest holes are sent as zeros.
inline constexpr std::size_t kFileExtents = 20'000;
inline constexpr std::size_t kFileParts = 1'000'000;  ///< parts that are looked at; a look takes microseconds

// -- files whose size is not known before they are read, as in /proc
inline constexpr std::size_t kUnsizedBytes = 32 * kMiB;  ///< held in memory; /proc/kallsyms has 15 MiB
/// A file that became shorter is filled with zeros up to its announced size, but no further than this.
inline constexpr std::uint64_t kFillBytes = 4 * kGiB;

inline constexpr std::size_t kEditedFileBytes = 1 * kMiB;  ///< edited in memory; /etc/hosts and the like have a few KiB

inline constexpr std::size_t kBreakReasonBytes = 8 * kKiB;  ///< a sentence with a path; read at the end of a stream

// -- room that a copy leaves on a file system
inline constexpr std::uint64_t kRoomReserveBytes = 256 * kMiB;  ///< for the machines that run there, and for the user
inline constexpr std::uint64_t kRoomReserveFiles = 10'000;      ///< names that others can still make
inline constexpr unsigned kRoomReservePart = 20;  ///< a small file system is kept free only to one part in so many
inline constexpr std::uint64_t kRoomStepBytes = 16 * kMiB;  ///< between two looks at the room; far below the reserve
inline constexpr std::uint64_t kObjectBytes = 4 * kKiB;     ///< room of a file or directory, beside its content

// -- buffers
inline constexpr std::size_t kTarReadBytes = 1 * kMiB;       ///< few system calls, and the buffer stays in cache
inline constexpr std::size_t kPackWriteBytes = 64 * kKiB;    ///< one write(2), and one frame of a link
inline constexpr std::size_t kCopyBufferBytes = 256 * kKiB;  ///< content of files; few system calls

inline constexpr int kGzipLevel = 6;  ///< the default of gzip; the next level takes half as long again for 1 %

// -- decompression on threads
inline constexpr std::size_t kDecodedChunkBytes =
    128 * kKiB;  ///< few wake-ups of a thread, and the chunk stays in cache
/// Waits for the reader of one stream. More would not help: the slower of the two sets the pace.
inline constexpr std::size_t kDecodedAheadBytes = 8 * kMiB;
/// The window of zstd is at most 2^27 bytes, as of `zstd -d` itself. A writer of layers uses 2^23 or less.
inline constexpr int kZstdWindowLog = 27;

}  // namespace banger::limits

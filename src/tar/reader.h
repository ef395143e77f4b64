// Reads a tar stream entry by entry through libarchive, and hides libarchive. Accepts plain, gzip, zstd and xz streams
// in the formats v7, ustar, pax and GNU.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"

namespace banger::tar {

enum class EntryKind { file, directory, symlink, hard_link, character_device, block_device, fifo, other };

struct EntryTime {
  std::int64_t seconds = 0;
  std::uint32_t nanoseconds = 0;
};

/// One member as the archive gives it: untrusted, unchecked.
struct TarEntry {
  std::string path;
  EntryKind kind = EntryKind::other;
  std::uint32_t mode = 0;  ///< permission, setuid, setgid and sticky bits only
  std::int64_t uid = 0, gid = 0;
  EntryTime mtime;
  std::optional<EntryTime> atime;
  std::int64_t size = 0;  ///< of a file
  std::int64_t device_major = 0, device_minor = 0;
  std::string target;  ///< of a symlink or a hard link
  /// Name and value, each name once. They include POSIX ACLs, as Linux's system.posix_acl_* in xattr(7) form.
  std::vector<std::pair<std::string, std::string>> xattrs;
};

/// A piece of a file's content. `data` lives until the next call on the reader.
struct TarBlock {
  std::string_view data;
  std::uint64_t offset = 0;  ///< never less than the end of the piece before
};

class TarReader {
 public:
  /// `fd` is borrowed. Reads nothing yet.
  static Result<TarReader> open(int fd);
  TarReader(TarReader&&) noexcept;
  TarReader& operator=(TarReader&&) noexcept;
  ~TarReader();

  /// The next member, or nullopt at the end of the archive. At the end, the padding of the stream is read too, so that
  /// its writer gets no SIGPIPE. `corrupt` when the stream is damaged or ends without an end marker.
  Result<std::optional<TarEntry>> next();
  /// The next piece of the current member's content, or nullopt at its end. Holes are not pieces.
  Result<std::optional<TarBlock>> next_block();

 private:
  struct State;
  explicit TarReader(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace banger::tar

// Reads a tar stream entry by entry through libarchive, and hides libarchive. Accepts the formats v7, ustar, pax and
// GNU.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "tar/byte_source.h"

namespace banger::tar {

/// The extended attribute by which TarWriter::leave_out marks a member. No file of Linux can have it.
inline constexpr std::string_view kLeftOutMark = "banger.left_out";

/// A sender that cannot go on ends its stream with this mark, its reason and a newline, instead of the end marker.
inline constexpr std::string_view kBrokenMark = "\nbanger.broken: ";

enum class EntryKind { file, directory, symlink, hard_link, character_device, block_device, fifo, other };

struct EntryTime {
  std::int64_t seconds = 0;
  std::uint32_t nanoseconds = 0;
};

/// A part of a file with holes that has data.
struct Extent {
  std::uint64_t offset = 0, size = 0;
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
  /// Why the sender left this member out. The member itself has no content. If the member before has the same name, the
  /// content of that member is not whole.
  std::optional<std::string> left_out = {};
  /// The parts with data of a file with holes. Empty when there are no holes, or when the header does not have them.
  std::vector<Extent> extents = {};
};

/// A piece of a file's content. `data` lives until the next call on the reader.
struct TarBlock {
  std::string_view data;
  std::uint64_t offset = 0;  ///< never less than the end of the piece before
};

enum class Compression {
  none,  ///< a guest's stream: a few compressed bytes would become a full disk
  any,   ///< gzip, zstd, xz or none
};

enum class End {
  marked,  ///< only the end marker ends an archive; a stream without one was cut short
  any,     ///< the stream's end is enough: the caller checks a digest, and some tools write no end marker
};

class TarReader {
 public:
  /// `fd` is borrowed. Reads nothing yet.
  static Result<TarReader> open(int fd, Compression compression);
  /// Reads uncompressed bytes. `source` is borrowed. An error of `source` is returned as it is.
  static Result<TarReader> open(ByteSource& source, End end = End::marked);
  TarReader(TarReader&&) noexcept;
  TarReader& operator=(TarReader&&) noexcept;
  ~TarReader();

  /// The next member, or nullopt at the end of the archive. At the end, the padding of the stream is read too, so that
  /// its writer gets no SIGPIPE. `corrupt` when the stream is damaged or ends without an end marker, `busy` with the
  /// reason when its sender could not go on. `exhausted` when the headers or the map of holes of one member are larger
  /// than limits::kEntryHeaderBytes.
  Result<std::optional<TarEntry>> next();
  /// The next piece of the current member's content, or nullopt at its end. Holes are not pieces.
  Result<std::optional<TarBlock>> next_block();

 private:
  struct State;
  static Result<TarReader> open(std::unique_ptr<State> state, Compression compression);
  explicit TarReader(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace banger::tar

#include "tar/file_content.h"

#include <fmt/format.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>
#include <vector>

#include "base/text.h"
#include "host/files.h"
#include "tar/bounds.h"

namespace banger::tar {

namespace {

constexpr std::string_view kShorter = "it became shorter while it was read";

ssize_t read_at(int file, char* to, std::size_t size, off_t at) {
  ssize_t got = ::pread(file, to, size, at);
  while (got < 0 && errno == EINTR) got = ::pread(file, to, size, at);
  return got;
}

/// Reads until the end or until `size` bytes are there. Not pread: some files of /proc cannot seek.
ssize_t read_up_to(int file, char* to, std::size_t size) {
  std::size_t done = 0;
  while (done < size) {
    ssize_t got = ::read(file, to + done, size - done);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return got;
    if (got == 0) break;
    done += static_cast<std::size_t>(got);
  }
  return static_cast<ssize_t>(done);
}

/// A map of holes with a bounded length. Small holes give way to larger ones, and become data.
class HoleMap {
 public:
  void add(std::uint64_t offset, std::uint64_t size) {
    if (!extents_.empty() && offset - end() < least_hole_)
      extents_.back().size = offset + size - extents_.back().offset;
    else
      extents_.push_back({offset, size});
    while (extents_.size() > limits::kFileExtents) coarsen();
  }
  std::vector<Extent> take() {
    if (extents_.empty()) extents_.push_back({});  // nothing but a hole
    return std::move(extents_);
  }

 private:
  std::uint64_t end() const { return extents_.back().offset + extents_.back().size; }

  void coarsen() {
    least_hole_ *= 2;
    for (const auto& extent : std::exchange(extents_, {})) add(extent.offset, extent.size);
  }

  std::vector<Extent> extents_;
  std::uint64_t least_hole_ = 1;
};

/// The parts of a file with holes that have data. Empty when the file has no holes.
std::vector<Extent> extents_of(int file, const struct stat& info) {
  if (info.st_blocks * 512 >= info.st_size) return {};
  HoleMap map;
  std::size_t parts = 0;
  for (off_t at = 0; at < info.st_size;) {
    off_t data = ::lseek(file, at, SEEK_DATA);
    if (data < 0 && errno != ENXIO) return {};
    if (data < 0 || data >= info.st_size) break;
    off_t end = std::min(std::max(::lseek(file, data, SEEK_HOLE), data + 1), info.st_size);
    if (++parts > limits::kFileParts) end = info.st_size;
    map.add(static_cast<std::uint64_t>(data), static_cast<std::uint64_t>(end - data));
    at = end;
  }
  return map.take();
}

/// The offset of the next data at or after `at`, at most `size`.
off_t next_data(int file, off_t at, off_t size) {
  off_t data = ::lseek(file, at, SEEK_DATA);
  if (data < 0) return errno == ENXIO ? size : at;
  return std::min(data, size);
}

off_t next_hole(int file, off_t at, off_t size) {
  off_t hole = ::lseek(file, at, SEEK_HOLE);
  return hole < 0 ? size : std::min(std::max(hole, at + 1), size);
}

/// What a file of `size` announced and delivered bytes is now.
std::optional<std::string> flaw_after(int file, off_t size) {
  struct stat now{};
  if (::fstat(file, &now) < 0) return ::strerror(errno);
  if (now.st_size < size) return std::string(kShorter);
  if (now.st_size > size) return std::nullopt;  // it grew, and the copy is what it was
  char more = 0;
  if (read_at(file, &more, 1, size) <= 0) return std::nullopt;
  if (::fstat(file, &now) == 0 && now.st_size > size) return std::nullopt;
  return "it has more content than its size";
}

}  // namespace

FileContent::Flaw FileContent::write(int file, TarEntry entry, const struct stat& info, TarWriter& writer) {
  buffer_.resize(limits::kCopyBufferBytes);
  if (static_cast<std::size_t>(info.st_size) >= buffer_.size())
    return write_sized(file, std::move(entry), info, writer);
  ssize_t got = read_up_to(file, buffer_.data(), buffer_.size());
  if (got < 0) return ::strerror(errno);
  if (static_cast<std::size_t>(got) == buffer_.size())
    return write_unsized(file, std::move(entry), buffer_.size(), writer);
  entry.size = got;
  TRY(writer.add(entry));
  TRY(writer.write(std::string_view(buffer_).substr(0, static_cast<std::size_t>(got))));
  return std::nullopt;
}

/// The buffer has the first bytes. The content is collected in memory until its size is known.
FileContent::Flaw FileContent::write_unsized(int file, TarEntry entry, std::size_t first_bytes, TarWriter& writer) {
  UniqueFd memory(::memfd_create("content", MFD_CLOEXEC));
  if (!memory) return ::strerror(errno);
  std::size_t size = 0;
  for (auto got = static_cast<ssize_t>(first_bytes); got != 0;) {
    size += static_cast<std::size_t>(got);
    if (size > limits::kUnsizedBytes)
      return fmt::format("its size is unknown, and it has more than {}", format_size(limits::kUnsizedBytes));
    auto kept = host::write_all(memory.get(), std::string_view(buffer_).substr(0, static_cast<std::size_t>(got)));
    if (!kept) return kept.error().message;
    got = read_up_to(file, buffer_.data(), buffer_.size());
    if (got < 0) return ::strerror(errno);
  }
  entry.size = static_cast<std::int64_t>(size);
  TRY(writer.add(entry));
  return write_until(memory.get(), size, writer);
}

FileContent::Flaw FileContent::write_sized(int file, TarEntry entry, const struct stat& info, TarWriter& writer) {
  TRY(writer.add(entry, extents_of(file, info)));
  auto flaw = TRY(write_until(file, static_cast<std::uint64_t>(info.st_size), writer));
  return flaw ? flaw : flaw_after(file, info.st_size);
}

FileContent::Flaw FileContent::write_until(int file, std::uint64_t size_bytes, TarWriter& writer) {
  auto size = static_cast<off_t>(size_bytes);
  for (off_t at = 0, data_end = 0; at < size;) {
    if (at >= data_end) {
      off_t data = next_data(file, at, size);
      TRY(writer.write_zeros(static_cast<std::uint64_t>(data - at)));
      at = data;
      data_end = next_hole(file, at, size);
      continue;
    }
    auto want = std::min<std::size_t>(static_cast<std::size_t>(data_end - at), buffer_.size());
    ssize_t got = read_at(file, buffer_.data(), want, at);
    if (got <= 0)
      return fill(static_cast<std::uint64_t>(size - at), got < 0 ? ::strerror(errno) : std::string(kShorter), writer);
    TRY(writer.write(std::string_view(buffer_).substr(0, static_cast<std::size_t>(got))));
    at += got;
  }
  return std::nullopt;
}

/// The stream goes on only after as many bytes as the header announced.
FileContent::Flaw FileContent::fill(std::uint64_t missing, std::string why, TarWriter& writer) {
  if (missing > limits::kFillBytes) return fail(ErrorCode::busy, why);
  TRY(writer.write_zeros(missing));
  return why;
}

}  // namespace banger::tar

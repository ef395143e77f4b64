#include "machine/holes.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <vector>

#include "host/files.h"
#include "machine/bounds.h"

namespace banger::machine {

namespace {

bool all_zero(const char* bytes, std::size_t count) {
  return bytes[0] == 0 && std::memcmp(bytes, bytes + 1, count - 1) == 0;
}

Result<> punch(int file, off_t at, std::size_t count) {
  if (::fallocate(file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, at, static_cast<off_t>(count)) < 0 &&
      errno != EOPNOTSUPP)
    return fail_errno("make holes");
  return {};
}

// Makes holes of the runs of zero blocks in one piece.
Result<> punch_zeros(int file, off_t start, const char* bytes, std::size_t size) {
  std::size_t begin = 0;
  for (std::size_t at = 0; at <= size; at += limits::kHoleBytes) {
    bool zero = at < size && all_zero(bytes + at, std::min(limits::kHoleBytes, size - at));
    if (zero) continue;
    auto end = std::min(at, size);
    if (end > begin) TRY(punch(file, start + static_cast<off_t>(begin), end - begin));
    begin = at + limits::kHoleBytes;
  }
  if (begin < size) TRY(punch(file, start + static_cast<off_t>(begin), size - begin));
  return {};
}

}  // namespace

Result<> punch_holes(const std::string& path) {
  auto file = TRY(host::open_file(path, O_RDWR | O_NOFOLLOW));
  std::vector<char> buffer(limits::kMemoryPieceBytes);
  for (off_t at = 0;;) {
    // Existing holes are not read.
    off_t data = ::lseek(file.get(), at, SEEK_DATA);
    if (data < 0 && errno == ENXIO) return {};
    if (data < 0) return fail_errno(path);
    at = data - data % static_cast<off_t>(limits::kHoleBytes);
    ssize_t got = ::pread(file.get(), buffer.data(), buffer.size(), at);
    if (got < 0) return fail_errno(path);
    if (got == 0) return {};
    TRY(in(path, punch_zeros(file.get(), at, buffer.data(), static_cast<std::size_t>(got))));
    at += got;
  }
}

}  // namespace banger::machine

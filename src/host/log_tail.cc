#include "host/log_tail.h"

#include <unistd.h>

#include <algorithm>
#include <string_view>
#include <vector>

#include "host/bounds.h"

namespace banger::host {

namespace {

/// The bytes of the file at `at`, at most as many as the buffer has. Empty at the end of the file.
std::string_view bytes_at(int fd, off_t at, std::vector<char>& buffer) {
  auto got = ::pread(fd, buffer.data(), buffer.size(), at);
  return {buffer.data(), got < 0 ? 0 : static_cast<std::size_t>(got)};
}

}  // namespace

off_t next_line(int fd, off_t from) {
  if (from <= 0) return 0;
  std::vector<char> buffer(limits::kLogScanBytes);
  for (off_t at = from - 1;;) {
    auto bytes = bytes_at(fd, at, buffer);
    if (bytes.empty()) return from;
    if (auto end = bytes.find('\n'); end != bytes.npos) return at + static_cast<off_t>(end) + 1;
    at += static_cast<off_t>(bytes.size());
  }
}

off_t last_lines(int fd, off_t from, std::uint64_t count) {
  const off_t end = std::max(from, ::lseek(fd, 0, SEEK_END));
  if (count == 0) return end;
  std::vector<char> buffer(limits::kLogScanBytes);
  std::uint64_t ends = 0;
  for (off_t above = end; above > from;) {
    off_t at = std::max(from, above - static_cast<off_t>(buffer.size()));
    auto bytes = bytes_at(fd, at, buffer).substr(0, static_cast<std::size_t>(above - at));
    for (auto i = bytes.size(); i-- > 0;) {
      off_t after = at + static_cast<off_t>(i) + 1;
      // The end of the last line begins no further line.
      if (bytes[i] == '\n' && after != end && ++ends == count) return after;
    }
    above = at;
  }
  return from;
}

}  // namespace banger::host

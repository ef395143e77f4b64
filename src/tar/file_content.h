// The content of one file on its way into a tar stream. A tar needs the size of a file before its content. But what
// stat(2) gives is not always what a reader gets: in /proc and /sys, and in files that change meanwhile.
#pragma once

#include <sys/stat.h>

#include <optional>
#include <string>

#include "base/unique_fd.h"
#include "tar/writer.h"

namespace banger::tar {

class FileContent {
 public:
  /// Writes the member and its content. Returns nothing if the stream has what a reader of the file gets, and otherwise
  /// what is wrong. Then the stream may have the member, but its content is not whole. An error is one of the stream.
  Result<std::optional<std::string>> write(int file, TarEntry entry, const struct stat& info, TarWriter& writer);

 private:
  using Flaw = Result<std::optional<std::string>>;

  Flaw write_unsized(int file, TarEntry entry, std::size_t first_bytes, TarWriter& writer);
  Flaw write_sized(int file, TarEntry entry, const struct stat& info, TarWriter& writer);
  Flaw write_until(int file, std::uint64_t size, TarWriter& writer);
  Flaw fill(std::uint64_t missing, std::string why, TarWriter& writer);

  std::string buffer_;
};

}  // namespace banger::tar

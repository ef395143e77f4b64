// What fuzz targets of archives share: a directory for their files, and headers with right checksums.
#pragma once

#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <string>

#include "base/unique_fd.h"

namespace banger::fuzz {

inline std::string scratch_directory() {
  const char* parent = ::getenv("TMPDIR");
  std::string name = std::string(parent ? parent : "/tmp") + "/fuzz-tar-XXXXXX";
  if (!::mkdtemp(name.data())) ::abort();
  return name;
}

/// Corrects header checksums. Otherwise almost every input would fail at them.
inline std::string with_checksums(std::string tar) {
  for (std::size_t at = 0; at + 512 <= tar.size(); at += 512) {
    if (tar.compare(at + 257, 5, "ustar") != 0) continue;
    tar.replace(at + 148, 8, 8, ' ');
    unsigned sum = 0;
    for (std::size_t i = at; i < at + 512; ++i) sum += static_cast<unsigned char>(tar[i]);
    std::string digits(6, '0');
    for (std::size_t i = 6; i-- > 0; sum /= 8) digits[i] = static_cast<char>('0' + sum % 8);
    tar.replace(at + 148, 7, digits + '\0');
  }
  return tar;
}

/// A file in memory, at its start. Invalid when there is no memory.
inline UniqueFd as_file(const std::string& bytes) {
  UniqueFd file(::memfd_create("tar", MFD_CLOEXEC));
  if (!file || ::write(file.get(), bytes.data(), bytes.size()) != static_cast<ssize_t>(bytes.size())) return {};
  ::lseek(file.get(), 0, SEEK_SET);
  return file;
}

}  // namespace banger::fuzz

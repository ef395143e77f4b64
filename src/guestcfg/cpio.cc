#include "guestcfg/cpio.h"

#include <fmt/format.h>

#include <iterator>

namespace banger::guestcfg {

namespace {
// File types as stat(2) has them, spelled out so that a value in an archive does not depend on the host's headers.
constexpr std::uint32_t kDirectory = 0040000, kRegular = 0100000, kSymlink = 0120000;

void pad(std::string& bytes, std::size_t alignment) {
  bytes.resize((bytes.size() + alignment - 1) / alignment * alignment);
}
}  // namespace

void CpioWriter::entry(std::string_view path, std::uint32_t mode, std::string_view content, std::uint32_t major,
                       std::uint32_t minor) {
  // magic, inode, mode, uid, gid, links, mtime, size, device (2), special device (2), name length with its NUL,
  // checksum. mtime 0 and counted inodes: the same input gives the same bytes. One link each, so the kernel never looks
  // for hard links.
  fmt::format_to(std::back_inserter(bytes_),
                 "070701{:08X}{:08X}{:08X}{:08X}{:08X}{:08X}{:08X}{:08X}{:08X}{:08X}{:08X}{:08X}{:08X}", next_inode_++,
                 mode, 0, 0, 1, 0, content.size(), 0, 0, major, minor, path.size() + 1, 0);
  bytes_.append(path);
  bytes_.push_back('\0');
  pad(bytes_, 4);
  bytes_.append(content);
  pad(bytes_, 4);
}

void CpioWriter::directory(std::string_view path, std::uint32_t mode) { entry(path, kDirectory | mode, "", 0, 0); }

void CpioWriter::file(std::string_view path, std::string_view content, std::uint32_t mode) {
  entry(path, kRegular | mode, content, 0, 0);
}

void CpioWriter::symlink(std::string_view path, std::string_view target) { entry(path, kSymlink | 0777, target, 0, 0); }

void CpioWriter::device(std::string_view path, std::uint32_t mode_with_type, std::uint32_t major, std::uint32_t minor) {
  entry(path, mode_with_type, "", major, minor);
}

std::string CpioWriter::finish() && {
  next_inode_ = 0;
  entry("TRAILER!!!", 0, "", 0, 0);
  pad(bytes_, 512);
  return std::move(bytes_);
}

}  // namespace banger::guestcfg

#include "listing.h"

#include <ext2fs/ext2_fs.h>
#include <ext2fs/ext2fs.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <vector>

#include "base/text.h"
#include "catch.h"
#include "host/digest.h"
#include "host/files.h"

namespace banger::test {

namespace {

struct Found {
  unsigned mode = 0, uid = 0, gid = 0;
  std::uint64_t size = 0;
  std::int64_t seconds = 0;
  std::uint32_t nanoseconds = 0;
  unsigned major = 0, minor = 0;
  std::string target, digest;
  std::map<std::string, std::string> xattrs;
};

std::string line(const Found& f, const std::string& first_name) {
  std::string out = fmt::format("{:o} {}:{}", f.mode, f.uid, f.gid);
  if (!S_ISDIR(f.mode))
    out += fmt::format(" size={} time={}.{:09} first={}", f.size, f.seconds, f.nanoseconds, first_name);
  if (S_ISCHR(f.mode) || S_ISBLK(f.mode)) out += fmt::format(" device={}:{}", f.major, f.minor);
  if (!f.target.empty()) out += fmt::format(" target={}", f.target);
  if (!f.digest.empty()) out += fmt::format(" content={}", f.digest);
  for (const auto& [name, value] : f.xattrs) out += fmt::format(" {}={}", name, to_hex(value));
  return out;
}

class Image {
 public:
  explicit Image(const std::string& path) {
    REQUIRE(ext2fs_open(path.c_str(), EXT2_FLAG_64BITS, 0, 0, unix_io_manager, &fs_) == 0);
  }
  ~Image() { ext2fs_close(fs_); }

  Listing list() {
    add(".", EXT2_ROOT_INO);
    while (!directories_.empty()) {
      auto [path, inode] = directories_.back();
      directories_.pop_back();
      for (const auto& [name, below] : names(inode)) add(path == "." ? name : path + "/" + name, below);
    }
    Listing out;
    std::map<ext2_ino_t, std::string> first;
    for (const auto& [path, inode] : inodes_)
      out[path] = line(read(inode), first.try_emplace(inode, path).first->second);
    return out;
  }

 private:
  void add(const std::string& path, ext2_ino_t inode) {
    inodes_[path] = inode;
    ext2_inode_large raw{};
    REQUIRE(ext2fs_read_inode(fs_, inode, reinterpret_cast<ext2_inode*>(&raw)) == 0);
    if (S_ISDIR(raw.i_mode)) directories_.emplace_back(path, inode);
  }

  std::map<std::string, ext2_ino_t> names(ext2_ino_t directory) {
    std::map<std::string, ext2_ino_t> out;
    auto collect = [](ext2_dir_entry* entry, int, int, char*, void* into) {
      std::string name(entry->name, static_cast<std::size_t>(ext2fs_dirent_name_len(entry)));
      if (name != "." && name != "..") (*static_cast<std::map<std::string, ext2_ino_t>*>(into))[name] = entry->inode;
      return 0;
    };
    REQUIRE(ext2fs_dir_iterate(fs_, directory, 0, nullptr, collect, &out) == 0);
    return out;
  }

  Found read(ext2_ino_t number) {
    ext2_inode_large raw{};
    auto* small = reinterpret_cast<ext2_inode*>(&raw);
    REQUIRE(ext2fs_read_inode_full(fs_, number, small, sizeof raw) == 0);
    Found f{.mode = raw.i_mode, .uid = inode_uid(raw), .gid = inode_gid(raw)};
    f.seconds = static_cast<std::int32_t>(raw.i_mtime) + (static_cast<std::int64_t>(raw.i_mtime_extra & 3) << 32);
    f.nanoseconds = raw.i_mtime_extra >> 2;
    if (S_ISREG(raw.i_mode) || S_ISLNK(raw.i_mode)) f.size = EXT2_I_SIZE(&raw);
    if (S_ISREG(raw.i_mode)) f.digest = digest(number);
    if (S_ISLNK(raw.i_mode)) f.target = target(number, raw);
    if (S_ISCHR(raw.i_mode) || S_ISBLK(raw.i_mode)) {
      std::uint32_t old = raw.i_block[0], wide = raw.i_block[1];
      f.major = old ? old >> 8 & 0xff : wide >> 8 & 0xfff;
      f.minor = old ? old & 0xff : (wide & 0xff) | (wide >> 12 & 0xfff00);
    }
    f.xattrs = xattrs(number);
    return f;
  }

  std::string digest(ext2_ino_t number) {
    ext2_file_t file = nullptr;
    REQUIRE(ext2fs_file_open(fs_, number, 0, &file) == 0);
    host::Sha256 digest;
    std::string buffer(1 << 18, '\0');
    for (unsigned got = 1; got > 0;) {
      REQUIRE(ext2fs_file_read(file, buffer.data(), static_cast<unsigned>(buffer.size()), &got) == 0);
      digest.add({buffer.data(), got});
    }
    ext2fs_file_close(file);
    return digest.finish();
  }

  std::string target(ext2_ino_t number, ext2_inode_large& raw) {
    std::size_t size = EXT2_I_SIZE(&raw);
    if (!(raw.i_flags & EXT4_EXTENTS_FL)) return {reinterpret_cast<const char*>(raw.i_block), size};
    blk64_t block = 0;
    REQUIRE(ext2fs_bmap2(fs_, number, reinterpret_cast<ext2_inode*>(&raw), nullptr, 0, 0, nullptr, &block) == 0);
    std::string bytes(fs_->blocksize, '\0');
    REQUIRE(io_channel_read_blk64(fs_->io, block, 1, bytes.data()) == 0);
    return bytes.substr(0, size);
  }

  std::map<std::string, std::string> xattrs(ext2_ino_t number) {
    ext2_xattr_handle* handle = nullptr;
    REQUIRE(ext2fs_xattrs_open(fs_, number, &handle) == 0);
    REQUIRE(ext2fs_xattrs_read(handle) == 0);
    std::map<std::string, std::string> out;
    auto collect = [](char* name, char* value, std::size_t size, void* into) {
      (*static_cast<std::map<std::string, std::string>*>(into))[name] = std::string(value, size);
      return 0;
    };
    REQUIRE(ext2fs_xattrs_iterate(handle, collect, &out) == 0);
    ext2fs_xattrs_close(&handle);
    return out;
  }

  ext2_filsys fs_ = nullptr;
  std::map<std::string, ext2_ino_t> inodes_;
  std::vector<std::pair<std::string, ext2_ino_t>> directories_;
};

std::map<std::string, std::string> xattrs_of(const std::string& path) {
  std::map<std::string, std::string> out;
  std::string names(1 << 16, '\0'), value(1 << 16, '\0');
  ssize_t size = ::llistxattr(path.c_str(), names.data(), names.size());
  REQUIRE(size >= 0);
  names.resize(static_cast<std::size_t>(size));
  for (std::string_view name : split(names, '\0')) {
    if (name.empty()) continue;
    ssize_t got = ::lgetxattr(path.c_str(), std::string(name).c_str(), value.data(), value.size());
    REQUIRE(got >= 0);
    out[std::string(name)] = value.substr(0, static_cast<std::size_t>(got));
  }
  return out;
}

Found look_at(const std::string& path, const struct stat& info) {
  Found f{.mode = info.st_mode, .uid = info.st_uid, .gid = info.st_gid};
  f.seconds = info.st_mtim.tv_sec;
  f.nanoseconds = static_cast<std::uint32_t>(info.st_mtim.tv_nsec);
  if (S_ISREG(info.st_mode) || S_ISLNK(info.st_mode)) f.size = static_cast<std::uint64_t>(info.st_size);
  if (S_ISREG(info.st_mode)) f.digest = host::sha256_file(path).value();
  if (S_ISLNK(info.st_mode)) f.target = std::filesystem::read_symlink(path).string();
  f.major = ::gnu_dev_major(info.st_rdev);
  f.minor = ::gnu_dev_minor(info.st_rdev);
  f.xattrs = xattrs_of(path);
  return f;
}

}  // namespace

Listing list_image(const std::string& image) { return Image(image).list(); }

Listing list_directory(const std::string& directory) {
  namespace fs = std::filesystem;
  std::map<std::string, std::string> paths{{".", directory}};
  for (const auto& entry : fs::recursive_directory_iterator(directory))
    paths[entry.path().string().substr(directory.size() + 1)] = entry.path().string();
  Listing out;
  std::map<ino_t, std::string> first;
  for (const auto& [name, path] : paths) {
    struct stat info{};
    REQUIRE(::lstat(path.c_str(), &info) == 0);
    out[name] = line(look_at(path, info), first.try_emplace(info.st_ino, name).first->second);
  }
  return out;
}

std::string difference(const Listing& expected, const Listing& found) {
  std::string out;
  for (const auto& [path, text] : expected) {
    auto other = found.find(path);
    if (other == found.end())
      out += fmt::format("missing {}: {}\n", path, text);
    else if (other->second != text)
      out += fmt::format("{}: expected {}\n  but found {}\n", path, text, other->second);
  }
  for (const auto& [path, text] : found)
    if (!expected.contains(path)) out += fmt::format("additional {}: {}\n", path, text);
  return out;
}

}  // namespace banger::test

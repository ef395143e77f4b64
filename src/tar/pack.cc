// Packs trees into tar streams. Every step uses directory descriptors, so a tree that changes meanwhile cannot lead
// outside. What cannot be packed is marked in the stream, and the rest is packed.
#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <map>
#include <memory>

#include "base/bounds.h"
#include "base/text.h"
#include "base/unique_fd.h"
#include "host/files.h"
#include "tar/bounds.h"
#include "tar/file_content.h"
#include "tar/tar.h"
#include "tar/writer.h"

namespace banger::tar {

namespace {

using FileId = std::pair<dev_t, ino_t>;

FileId id_of(const struct stat& info) { return {info.st_dev, info.st_ino}; }

bool wanted_xattr(std::string_view name) {
  return name.starts_with("user.") || name.starts_with("trusted.") || name.starts_with("security.") ||
         name.starts_with("system.posix_acl_");
}

Result<std::vector<std::string>> names_in(int directory) {
  UniqueFd copy(::openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!copy) return fail_errno("read directory");
  std::unique_ptr<DIR, int (*)(DIR*)> stream(::fdopendir(copy.get()), ::closedir);
  if (!stream) return fail_errno("read directory");
  copy.release();  // closedir closes it
  std::vector<std::string> names;
  for (;;) {
    errno = 0;
    dirent* entry = ::readdir(stream.get());
    if (!entry && errno != 0) return fail_errno("read directory");
    if (!entry) break;
    std::string_view name = entry->d_name;
    if (name != "." && name != "..") names.emplace_back(name);
    if (names.size() > limits::kArchiveEntries) return fail(ErrorCode::exhausted, "read directory: too many entries");
  }
  std::ranges::sort(names);  // the same tree gives the same stream
  return names;
}

EntryKind kind_of(mode_t mode) {
  if (S_ISDIR(mode)) return EntryKind::directory;
  if (S_ISLNK(mode)) return EntryKind::symlink;
  if (S_ISCHR(mode)) return EntryKind::character_device;
  if (S_ISBLK(mode)) return EntryKind::block_device;
  return S_ISFIFO(mode) ? EntryKind::fifo : EntryKind::file;
}

void add_xattrs(int fd, TarEntry& entry) {
  std::string names(limits::kEntryXattrBytes, '\0'), value(limits::kEntryXattrBytes, '\0');
  ssize_t size = ::flistxattr(fd, names.data(), names.size());
  if (size <= 0) return;  // none, or none on this file system
  for (std::string_view name : split(std::string_view(names).substr(0, static_cast<std::size_t>(size)), '\0')) {
    if (!wanted_xattr(name)) continue;
    ssize_t got = ::fgetxattr(fd, std::string(name).c_str(), value.data(), value.size());
    if (got >= 0) entry.xattrs.emplace_back(name, value.substr(0, static_cast<std::size_t>(got)));
  }
}

class Packer {
 public:
  Packer(TarWriter& writer, const PackOptions& options)
      : writer_(writer), symlinks_(options.symlinks), owners_(options.owners), special_(options.special) {}

  /// For what is added next; may be null.
  void follow(const PackRules* rules) { rules_ = rules; }

  /// Packs `name` in directory `parent` (or AT_FDCWD) as `member`. An error is one of the stream.
  Result<> add(int parent, const std::string& name, const std::string& member, std::size_t depth) {
    struct stat info{};
    if (::fstatat(parent, name.c_str(), &info, no_follow(AT_SYMLINK_NOFOLLOW)) < 0) {
      int error = errno;
      bool dangling = ::fstatat(parent, name.c_str(), &info, AT_SYMLINK_NOFOLLOW) == 0;
      if (!dangling && error == ENOENT && depth > 0) return {};  // removed since the directory was read
      return leave_out(member, dangling && error == ENOENT ? "it is a symlink to nothing" : ::strerror(error));
    }
    auto take = rules_ ? rules_->take(member, kind_of(info.st_mode)) : Take::whole;
    if (take == Take::nothing) return {};
    bool image = special_ == Special::image;
    if (S_ISSOCK(info.st_mode)) return image ? Result<>() : leave_out(member, "it is a socket");
    if (!image && (S_ISCHR(info.st_mode) || S_ISBLK(info.st_mode))) return leave_out(member, "it is a device");
    if (member.size() > limits::kPathBytes) return leave_out(member, "its path is too long");
    if (S_ISREG(info.st_mode)) return add_file(parent, name, member, take);
    if (S_ISDIR(info.st_mode)) return add_directory(parent, name, member, info, depth);
    return add_other(parent, name, member, info);
  }

 private:
  using Take = PackRules::Take;

  int no_follow(int flag) const { return symlinks_ == Symlinks::keep ? flag : 0; }

  Result<> leave_out(const std::string& member, std::string_view why) { return writer_.leave_out(member, why); }

  TarEntry make_entry(const std::string& member, const struct stat& info) const {
    bool keep = owners_ == Owners::keep;
    return {.path = member,
            .kind = kind_of(info.st_mode),
            .mode = info.st_mode & 07777,
            .uid = keep ? info.st_uid : 0,
            .gid = keep ? info.st_gid : 0,
            .mtime = {info.st_mtim.tv_sec, static_cast<std::uint32_t>(info.st_mtim.tv_nsec)}};
  }

  /// True when the archive already has another name of the same file. Then a link to that name was written.
  Result<bool> add_as_link(const std::string& member, const struct stat& info) {
    auto known = linked_.find(id_of(info));
    if (info.st_nlink < 2 || known == linked_.end()) return false;
    TarEntry entry = make_entry(member, info);
    entry.kind = EntryKind::hard_link;
    entry.target = known->second;
    TRY(writer_.add(entry));
    return true;
  }

  void remember(const std::string& member, const struct stat& info) {
    if (info.st_nlink > 1) linked_.try_emplace(id_of(info), member);
  }

  Result<> add_other(int parent, const std::string& name, const std::string& member, const struct stat& info) {
    if (TRY(add_as_link(member, info))) return {};
    TarEntry entry = make_entry(member, info);
    if (S_ISCHR(info.st_mode) || S_ISBLK(info.st_mode)) {
      entry.device_major = major(info.st_rdev);
      entry.device_minor = minor(info.st_rdev);
    }
    if (S_ISLNK(info.st_mode)) {
      char target[limits::kPathBytes + 1];
      ssize_t size = ::readlinkat(parent, name.c_str(), target, sizeof target - 1);
      if (size < 0) return leave_out(member, ::strerror(errno));
      entry.target.assign(target, static_cast<std::size_t>(size));
    }
    remember(member, info);
    return writer_.add(entry);
  }

  Result<> add_directory(int parent, const std::string& name, const std::string& member, const struct stat& info,
                         std::size_t depth) {
    if (depth >= limits::kTreeDepth)
      return leave_out(member, fmt::format("it is more than {} directories deep", limits::kTreeDepth));
    if (std::ranges::find(above_, id_of(info)) != above_.end())
      return leave_out(member, "it is a symlink to a directory above it");
    UniqueFd directory(::openat(parent, name.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC | no_follow(O_NOFOLLOW)));
    if (!directory) return leave_out(member, ::strerror(errno));
    auto names = names_in(directory.get());
    if (!names) return leave_out(member, names.error().message);
    TarEntry entry = make_entry(member, info);
    add_xattrs(directory.get(), entry);
    TRY(writer_.add(entry));
    above_.push_back(id_of(info));
    for (const std::string& below : *names) TRY(add(directory.get(), below, member + "/" + below, depth + 1));
    above_.pop_back();
    return {};
  }

  Result<> add_file(int parent, const std::string& name, const std::string& member, Take take) {
    // O_NONBLOCK: a file may have become a fifo since fstatat().
    UniqueFd file(::openat(parent, name.c_str(), O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC | no_follow(O_NOFOLLOW)));
    struct stat info{};
    if (!file || ::fstat(file.get(), &info) < 0) return leave_out(member, ::strerror(errno));
    if (!S_ISREG(info.st_mode)) return leave_out(member, "it changed while it was read");
    if (TRY(add_as_link(member, info))) return {};
    TarEntry entry = make_entry(member, info);
    entry.size = info.st_size;
    add_xattrs(file.get(), entry);
    if (take == Take::edited && info.st_size <= static_cast<off_t>(limits::kEditedFileBytes))
      return add_edited(file.get(), std::move(entry));
    auto flaw =
        TRY(in(printable(member, limits::kPathBytes), content_.write(file.get(), std::move(entry), info, writer_)));
    if (flaw) return leave_out(member, *flaw);
    remember(member, info);
    return {};
  }

  /// An edited file has one name, because another name may not be edited.
  Result<> add_edited(int file, TarEntry entry) {
    auto before = host::read_all(file, entry.path, limits::kEditedFileBytes);
    if (!before) return leave_out(entry.path, before.error().message);
    auto content = rules_->edit(entry.path, *before);
    entry.size = static_cast<std::int64_t>(content.size());
    TRY(writer_.add(entry));
    return writer_.write(content);
  }

  TarWriter& writer_;
  Symlinks symlinks_;
  Owners owners_;
  Special special_;
  const PackRules* rules_ = nullptr;
  FileContent content_;
  std::map<FileId, std::string> linked_;  ///< the first name of each file with several names
  std::vector<FileId> above_;             ///< the directories around the present one
};

Result<> finish(TarWriter& writer, Result<> packed) {
  if (packed) return writer.finish();
  writer.break_off(packed.error().sentence());
  return packed;
}

}  // namespace

Result<> pack_tree(const std::string& path, const std::string& name_in_archive, int tar_fd,
                   const PackOptions& options) {
  std::string from = path, member = name_in_archive.empty() ? "." : name_in_archive;
  while (from.size() > 1 && from.back() == '/') from.pop_back();  // a trailing slash would follow a symlink
  struct stat info{};
  if (::lstat(from.c_str(), &info) < 0) return fail_errno(printable(member));
  auto writer = TRY(TarWriter::open(tar_fd, options.written));
  return finish(writer, Packer(writer, options).add(AT_FDCWD, from, member, 0));
}

Result<> pack_sources(std::span<const PackSource> sources, int tar_fd, const PackOptions& options) {
  auto writer = TRY(TarWriter::open(tar_fd, options.written));
  Packer packer(writer, options);
  Result<> packed;
  for (const auto& source : sources) {
    packer.follow(&source.rules);
    packed = packer.add(source.directory, ".", source.member, 0);
    if (!packed) break;
  }
  return finish(writer, std::move(packed));
}

}  // namespace banger::tar

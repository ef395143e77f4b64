// Unpacks tar streams into directories. The archive is hostile: every path is walked one component at a time from the
// directory's descriptor, never through a symlink. placement.h decides what happens to existing files.
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cerrno>
#include <map>
#include <set>

#include "base/text.h"
#include "base/unique_fd.h"
#include "host/files.h"
#include "tar/bounds.h"
#include "tar/path.h"
#include "tar/placement.h"
#include "tar/reader.h"
#include "tar/tar.h"

namespace banger::tar {

namespace {

using Parts = std::vector<std::string_view>;

timespec timespec_of(const EntryTime& time) {
  return {static_cast<time_t>(time.seconds), static_cast<long>(time.nanoseconds)};
}

std::string joined(std::span<const std::string_view> parts) {
  std::string path;
  for (std::string_view part : parts) (path += path.empty() ? "" : "/") += part;
  return path;
}

using FileId = std::pair<dev_t, ino_t>;

FileId id_of(const struct stat& info) { return {info.st_dev, info.st_ino}; }

// Errors of a directory in which no name can be made, although an existing file may be writable.
bool takes_no_names(int error_number) {
  return error_number == EACCES || error_number == EPERM || error_number == EROFS || error_number == ENOENT;
}

class Unpacker {
 public:
  Unpacker(int root, const UnpackOptions& options)
      : root_(root), options_(options), staged_(".banger-cp-" + to_hex(host::random_bytes(8))) {}

  Result<> add(TarReader& reader, const TarEntry& entry) {
    if (++entries_ > limits::kArchiveEntries) return fail(ErrorCode::exhausted, "the archive has too many entries");
    Parts parts = TRY(split_member(entry.path, AbsoluteNames::refuse));
    if (entry.kind == EntryKind::character_device || entry.kind == EntryKind::block_device ||
        entry.kind == EntryKind::other)
      return fail(ErrorCode::invalid, "it is a device, and devices are not unpacked");
    if (parts.empty())
      return entry.kind == EntryKind::directory
                 ? Result<>()
                 : fail(ErrorCode::invalid, "it would replace the target directory itself");
    int parent = TRY(enter(std::span(parts).first(parts.size() - 1)));
    std::string name(parts.back());
    if (entry.kind == EntryKind::directory) return add_directory(parent, name, joined(parts), entry);
    if (entry.kind == EntryKind::hard_link) return add_link(parent, name, joined(parts), entry.target);
    if (entry.kind == EntryKind::file)
      return add_file(reader, parent, name, entry, parts.size() == 1 ? options_.top : Target::found);
    return add_special(parent, name, entry);
  }

  /// Directories get their modes and times last. Before that they must be writable, and every new entry changes their
  /// times.
  Result<> finish() {
    for (auto made = made_directories_.rbegin(); made != made_directories_.rend(); ++made) {
      auto parts = TRY(split_member(made->first, AbsoluteNames::refuse));
      int parent = TRY(enter(std::span<const std::string_view>(parts).first(parts.size() - 1)));
      UniqueFd directory(
          ::openat(parent, std::string(parts.back()).c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
      if (!directory) return fail_errno(printable(made->first));
      TRY(in(printable(made->first), apply(directory.get(), made->second)));
    }
    return {};
  }

 private:
  std::unexpected<Error> through(std::string_view part, int directory) {
    struct stat info{};
    bool symlink =
        ::fstatat(directory, std::string(part).c_str(), &info, AT_SYMLINK_NOFOLLOW) == 0 && S_ISLNK(info.st_mode);
    return fail(ErrorCode::invalid, fmt::format("it goes through '{}', which is {}", printable(part),
                                                symlink ? "a symlink" : "not a directory"));
  }

  /// The directory of that path; missing ones are made. The descriptor stays valid until the next call.
  Result<int> enter(std::span<const std::string_view> parts) {
    std::string path = joined(parts);
    if (path.empty()) return root_;
    if (current_ && path == current_path_) return current_.get();
    UniqueFd at;
    for (std::size_t i = 0; i < parts.size(); ++i) {
      int from = at ? at.get() : root_;
      std::string name(parts[i]);
      UniqueFd next(::openat(from, name.c_str(), O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
      if (!next && errno == ENOENT) {
        if (::mkdirat(from, name.c_str(), 0700) < 0) return fail_errno("make a directory");
        made_directories_.try_emplace(joined(parts.first(i + 1)), TarEntry{.mode = 0755, .uid = -1});
        next = UniqueFd(::openat(from, name.c_str(), O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
      }
      if (!next && (errno == ENOTDIR || errno == ELOOP)) return through(name, from);
      if (!next) return fail_errno("enter a directory");
      at = std::move(next);
    }
    current_ = std::move(at);
    current_path_ = std::move(path);
    return current_.get();
  }

  Result<Place> place_for(mode_t kind, int parent, const std::string& name, Target target) {
    struct stat there{};
    if (::fstatat(parent, name.c_str(), &there, AT_SYMLINK_NOFOLLOW) < 0) {
      if (errno == ENOENT) return Place::create;
      return fail_errno("read the attributes of the existing file");
    }
    bool ours = own_.contains(id_of(there));
    auto place = TRY(place_of(kind, there, ours ? Target::found : target));
    // The existing file is another name of a file of this archive, and that file must keep its content.
    return ours && place == Place::write_into ? Place::replace : place;
  }

  /// Renames the staged object to its own name, or removes it.
  Result<> put_in_place(int parent, const std::string& name, Result<> made) {
    if (made && ::renameat(parent, staged_.c_str(), parent, name.c_str()) < 0) made = fail_errno("put it in its place");
    if (!made) ::unlinkat(parent, staged_.c_str(), 0);
    return made;
  }

  Result<> add_directory(int parent, const std::string& name, const std::string& path, const TarEntry& entry) {
    if (::mkdirat(parent, name.c_str(), 0700) == 0) {
      made_directories_.insert_or_assign(path, entry);
      return {};
    }
    if (errno != EEXIST) return fail_errno("make a directory");
    struct stat info{};
    if (::fstatat(parent, name.c_str(), &info, AT_SYMLINK_NOFOLLOW) < 0) return fail_errno("make a directory");
    if (S_ISLNK(info.st_mode)) return through(name, parent);
    if (!S_ISDIR(info.st_mode))
      return fail(ErrorCode::exists, "a file of this name exists already", "remove it, or copy elsewhere");
    // A directory made for this archive takes the entry's mode. An older one stays unchanged.
    if (auto made = made_directories_.find(path); made != made_directories_.end()) made->second = entry;
    return {};
  }

  Result<> add_file(TarReader& reader, int parent, const std::string& name, const TarEntry& entry, Target target) {
    auto place = TRY(place_for(S_IFREG, parent, name, target));
    if (place == Place::write_into) return write_into(reader, parent, name, entry, target);
    UniqueFd file(::openat(parent, staged_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
    if (!file && place == Place::replace && takes_no_names(errno))
      return write_into(reader, parent, name, entry, target);
    if (!file) return fail_errno("make a file");
    auto made = write_content(reader, file.get(), entry);
    if (made) made = apply(file.get(), entry);
    if (made) made = remember(file.get());
    return put_in_place(parent, name, std::move(made));
  }

  /// As cp does: the existing file keeps its owner, mode and attributes.
  Result<> write_into(TarReader& reader, int parent, const std::string& name, const TarEntry& entry, Target target) {
    auto file = TRY(open_in_place(parent, name, target));
    TRY(remember(file.get()));
    return write_content(reader, file.get(), entry);
  }

  Result<> write_content(TarReader& reader, int file, const TarEntry& entry) {
    auto size = static_cast<std::uint64_t>(std::max<std::int64_t>(entry.size, 0));
    ContentWriter writer(file);
    while (auto block = TRY(reader.next_block())) {
      if (block->offset > size || block->data.size() > size - block->offset)
        return fail(ErrorCode::corrupt, "it has more content than its size");
      written_bytes_ += block->data.size();
      if (written_bytes_ > options_.max_bytes)
        return fail(ErrorCode::exhausted,
                    fmt::format("the archive has more than {} of content", format_size(options_.max_bytes)));
      TRY(writer.add(block->offset, block->data));
    }
    return writer.finish(size);
  }

  Result<> remember(int file) {
    struct stat info{};
    if (::fstat(file, &info) < 0) return fail_errno("read the attributes of a file");
    if (S_ISREG(info.st_mode)) own_.insert(id_of(info));
    return {};
  }

  /// Links only to files of this archive. A link to an older file would give that file a name that its owner does not
  /// expect.
  Result<> add_link(int parent, const std::string& name, const std::string& path, const std::string& target) {
    Parts parts = TRY(split_member(target, AbsoluteNames::refuse));
    auto unknown = [&] {
      return fail(ErrorCode::invalid,
                  fmt::format("it is a hard link to '{}', which is not in the archive before it", printable(target)));
    };
    if (parts.empty()) return unknown();
    UniqueFd to(
        ::openat(parent, ".", O_PATH | O_DIRECTORY | O_CLOEXEC));  // enter() replaces the descriptor of `parent`
    if (!to) return fail_errno("enter a directory");
    int from = TRY(enter(std::span(parts).first(parts.size() - 1)));
    struct stat info{};
    std::string source(parts.back());
    if (::fstatat(from, source.c_str(), &info, AT_SYMLINK_NOFOLLOW) < 0 || !own_.contains(id_of(info)))
      return unknown();
    if (joined(parts) == path) return {};
    struct stat there{};
    // A rename between two names of one file does nothing, and leaves both.
    if (::fstatat(to.get(), name.c_str(), &there, AT_SYMLINK_NOFOLLOW) == 0 && id_of(there) == id_of(info)) return {};
    auto place = TRY(place_for(info.st_mode, to.get(), name, Target::found));
    if (place == Place::keep) return {};
    if (place == Place::write_into) return copy_into(from, source, to.get(), name);
    Result<> made;
    if (::linkat(from, source.c_str(), to.get(), staged_.c_str(), 0) < 0) made = fail_errno("make a hard link");
    return put_in_place(to.get(), name, std::move(made));
  }

  /// For a file whose content is already in the archive under another name.
  Result<> copy_into(int from, const std::string& source, int to, const std::string& name) {
    UniqueFd content(::openat(from, source.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
    if (!content) return fail_errno("read the file linked to");
    auto file = TRY(open_in_place(to, name, Target::found));
    TRY(remember(file.get()));
    return copy_content(content.get(), file.get());
  }

  Result<> add_special(int parent, const std::string& name, const TarEntry& entry) {
    bool symlink = entry.kind == EntryKind::symlink;
    if (TRY(place_for(symlink ? S_IFLNK : S_IFIFO, parent, name, Target::found)) == Place::keep) return {};
    return put_in_place(parent, name, make_special(parent, entry));
  }

  /// Under the staged name.
  Result<> make_special(int parent, const TarEntry& entry) {
    bool symlink = entry.kind == EntryKind::symlink;
    const char* name = staged_.c_str();
    int made = symlink ? ::symlinkat(entry.target.c_str(), parent, name) : ::mkfifoat(parent, name, 0600);
    if (made < 0) return fail_errno(symlink ? "make a symlink" : "make a fifo");
    auto uid = static_cast<uid_t>(entry.uid);
    auto gid = static_cast<gid_t>(entry.gid);
    if (options_.keep_owner && ::fchownat(parent, name, uid, gid, AT_SYMLINK_NOFOLLOW) < 0)
      return fail_errno("set the owner");
    if (!symlink && ::fchmodat(parent, name, entry.mode & mode_mask(), AT_SYMLINK_NOFOLLOW) < 0)
      return fail_errno("set the mode");
    timespec times[2] = {timespec_of(entry.mtime), timespec_of(entry.mtime)};
    if (::utimensat(parent, name, times, AT_SYMLINK_NOFOLLOW) < 0) return fail_errno("set the time");
    struct stat info{};
    if (::fstatat(parent, name, &info, AT_SYMLINK_NOFOLLOW) == 0) own_.insert(id_of(info));
    return {};
  }

  mode_t mode_mask() const { return options_.keep_setid ? 07777 : 0777; }

  bool wanted_xattr(std::string_view name) const {
    if (name.starts_with("user.")) return true;
    // A file capability is as good as setuid.
    if (name == "security.capability" && !options_.keep_setid) return false;
    return options_.keep_owner &&
           (name.starts_with("system.posix_acl_") || name.starts_with("security.") || name.starts_with("trusted."));
  }

  Result<> apply(int fd, const TarEntry& entry) {
    bool stated = entry.uid >= 0;  // false for a parent that the archive never named
    if (options_.keep_owner && stated && ::fchown(fd, static_cast<uid_t>(entry.uid), static_cast<gid_t>(entry.gid)) < 0)
      return fail_errno("set the owner");
    if (::fchmod(fd, entry.mode & mode_mask()) < 0) return fail_errno("set the mode");
    for (const auto& [name, value] : entry.xattrs) {
      if (!wanted_xattr(name) || ::fsetxattr(fd, name.c_str(), value.data(), value.size(), 0) == 0) continue;
      // The file system or kernel may lack this attribute; the file is complete without it.
      if (errno != ENOTSUP && errno != EPERM && errno != EACCES && errno != EINVAL)
        return fail_errno(fmt::format("set attribute '{}'", printable(name)));
    }
    timespec times[2] = {timespec_of(entry.mtime), timespec_of(entry.mtime)};
    if (stated && ::futimens(fd, times) < 0) return fail_errno("set the time");
    return {};
  }

  int root_;
  UnpackOptions options_;
  std::size_t entries_ = 0;
  std::uint64_t written_bytes_ = 0;
  UniqueFd current_;  ///< the directory of the entry before: its siblings come next
  std::string current_path_;
  std::map<std::string, TarEntry> made_directories_;
  std::set<FileId> own_;  ///< the files that this archive has made or written
  std::string staged_;    ///< the name of the object that is being made
};

}  // namespace

Result<> unpack_tree(int tar_fd, const std::string& directory, const UnpackOptions& options) {
  auto root = TRY(host::open_file(directory, O_PATH | O_DIRECTORY));
  auto reader = TRY(TarReader::open(tar_fd));
  Unpacker unpacker(root.get(), options);
  while (auto entry = TRY(reader.next()))
    TRY(in(fmt::format("archive entry '{}'", printable(entry->path)), unpacker.add(reader, *entry)));
  return unpacker.finish();
}

}  // namespace banger::tar

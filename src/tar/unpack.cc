// Unpacks tar streams into directories. The archive is hostile: directories.h walks every path, and placement.h decides
// what happens to existing files.
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <optional>
#include <set>
#include <utility>

#include "base/text.h"
#include "base/unique_fd.h"
#include "host/files.h"
#include "tar/attributes.h"
#include "tar/bounds.h"
#include "tar/directories.h"
#include "tar/path.h"
#include "tar/placement.h"
#include "tar/reader.h"
#include "tar/room.h"
#include "tar/staged.h"
#include "tar/tar.h"

namespace banger::tar {

namespace {

using FileId = std::pair<dev_t, ino_t>;

FileId id_of(const struct stat& info) { return {info.st_dev, info.st_ino}; }

// Errors of a directory in which no name can be made, although an existing file may be writable.
bool takes_no_names(int error_number) {
  return error_number == EACCES || error_number == EPERM || error_number == EROFS || error_number == ENOENT;
}

/// Errors of one object, after which the others can still be unpacked.
bool is_of_one_object(const Error& error) {
  return error.code == ErrorCode::exists || error.code == ErrorCode::denied || error.code == ErrorCode::unsupported;
}

class Unpacker {
 public:
  Unpacker(int root, const UnpackOptions& options)
      : options_(options),
        staged_(options.staged.empty() ? kStagedPrefix + to_hex(host::random_bytes(8)) : options.staged),
        memory_(options.memory_bytes),
        room_(root, options.reserve_bytes),
        directories_(root, staged_tree(staged_), keep(), memory_) {}
  Unpacker(const Unpacker&) = delete;
  Unpacker& operator=(const Unpacker&) = delete;
  ~Unpacker() {
    if (finished_) return;
    if (waiting_) ::unlinkat(waiting_->parent, staged_.c_str(), 0);
    directories_.give_up();
  }

  Result<> add(TarReader& reader, const TarEntry& entry) {
    if (++entries_ > limits::kArchiveEntries) return fail(ErrorCode::exhausted, "the archive has too many entries");
    if (entry.left_out) return leave_out_for_sender(entry);
    TRY(settle());
    Parts parts = TRY(split_member(entry.path, AbsoluteNames::refuse));
    if (!options_.only.empty() && options_.only != "." && (parts.empty() || parts.front() != options_.only))
      return fail(ErrorCode::invalid, "it is not a part of what was asked for");
    if (is_below_left_out(parts)) return {};
    if (entry.kind == EntryKind::character_device || entry.kind == EntryKind::block_device)
      return leave_out(entry.path, "it is a device");
    if (entry.kind == EntryKind::other) return leave_out(entry.path, "it is of an unknown kind");
    auto placed = place(reader, parts, entry);
    bool first = !std::exchange(begun_, true);
    if (placed || first || !is_of_one_object(placed.error())) return placed;
    if (entry.kind == EntryKind::directory) below_left_out_ = joined(parts) + "/";
    return leave_out(entry.path, placed.error().sentence());
  }

  Result<> finish() {
    TRY(settle());
    TRY(directories_.finish());
    finished_ = true;
    return {};
  }

 private:
  /// A complete file that waits under its staged name. The next entry may say that its sender could not read it whole.
  struct Waiting {
    int parent;
    std::string name, path;
  };

  Keep keep() const { return {.owner = options_.keep_owner, .setid = options_.keep_setid}; }

  bool is_below_left_out(const Parts& parts) const {
    return !below_left_out_.empty() && joined(parts).starts_with(below_left_out_);
  }

  Result<> leave_out(std::string_view path, std::string_view why) {
    if (options_.left_out) options_.left_out(path, why);
    return {};
  }

  Result<> leave_out_for_sender(const TarEntry& entry) {
    if (waiting_ && waiting_->path == entry.path) {
      ::unlinkat(waiting_->parent, staged_.c_str(), 0);
      waiting_.reset();
    }
    TRY(settle());
    return leave_out(entry.path, *entry.left_out);
  }

  Result<> settle() {
    if (!waiting_) return {};
    auto waiting = *std::exchange(waiting_, std::nullopt);
    return in(printable(waiting.path), put_file_in_place(waiting.parent, waiting.name));
  }

  Result<> place(TarReader& reader, const Parts& parts, const TarEntry& entry) {
    if (parts.empty())
      return entry.kind == EntryKind::directory
                 ? Result<>()
                 : fail(ErrorCode::invalid, "it would replace the target directory itself");
    TRY(room_.take(limits::kObjectBytes));
    if (entry.kind == EntryKind::directory) return directories_.add(parts, entry);
    int parent = TRY(directories_.enter(std::span(parts).first(parts.size() - 1)));
    std::string name(parts.back());
    if (entry.kind == EntryKind::hard_link) return add_link(parent, name, joined(parts), entry.target);
    if (entry.kind == EntryKind::file)
      return add_file(reader, parent, name, entry, parts.size() == 1 ? options_.top : Target::found);
    return add_special(parent, name, entry);
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

  enum class OnFailure { remove, leave };

  /// Renames the staged object to its own name, or removes it.
  Result<> put_in_place(int parent, const std::string& name, Result<> made, OnFailure on_failure = OnFailure::remove) {
    if (made && ::renameat(parent, staged_.c_str(), parent, name.c_str()) < 0) made = fail_errno("put it in its place");
    if (!made && on_failure == OnFailure::remove) ::unlinkat(parent, staged_.c_str(), 0);
    return made;
  }

  /// The same for a file. A file that is a mount cannot be replaced, so its content is.
  Result<> put_file_in_place(int parent, const std::string& name) {
    auto renamed = put_in_place(parent, name, {}, OnFailure::leave);
    if (renamed) return renamed;
    struct stat there{};
    bool writable = keeps_its_file(renamed.error().sys_errno) &&
                    ::fstatat(parent, name.c_str(), &there, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(there.st_mode);
    if (writable) renamed = copy_into(parent, staged_, parent, name);
    ::unlinkat(parent, staged_.c_str(), 0);
    return renamed;
  }

  Result<> apply(int file, int parent, const std::string& name, const TarEntry& entry, Place place) {
    if (place != Place::replace || !options_.keep_existing) return apply_attributes(file, entry, keep(), true);
    TRY(apply_attributes_of(file, parent, name, keep()));
    return apply_time(file, entry);
  }

  Result<> add_file(TarReader& reader, int parent, const std::string& name, const TarEntry& entry, Target target) {
    auto place = TRY(place_for(S_IFREG, parent, name, target));
    if (place == Place::replace) TRY(check_writable(parent, name));
    if (place == Place::write_into) return write_into(reader, parent, name, entry, target);
    UniqueFd file(::openat(parent, staged_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
    if (!file && place == Place::replace && takes_no_names(errno))
      return write_into(reader, parent, name, entry, target);
    if (!file) return fail_errno("make a file");
    auto made = write_content(reader, file.get(), entry);
    if (made) made = apply(file.get(), parent, name, entry, place);
    if (made) made = remember(file.get());
    if (!made) return put_in_place(parent, name, std::move(made));
    waiting_ = {parent, name, entry.path};
    return {};
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
      TRY(room_.take(block->data.size()));
      TRY(writer.add(block->offset, block->data));
    }
    return writer.finish(size);
  }

  Result<> remember(int file) {
    struct stat info{};
    if (::fstat(file, &info) < 0) return fail_errno("read the attributes of a file");
    return S_ISREG(info.st_mode) ? remember(info) : Result<>();
  }

  Result<> remember(const struct stat& info) {
    if (own_.insert(id_of(info)).second) TRY(memory_.take(limits::kRememberedBytes));
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
    int from = TRY(directories_.enter(std::span(parts).first(parts.size() - 1)));
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
    TRY(apply_attributes_at(parent, staged_, entry, keep()));
    struct stat info{};
    return ::fstatat(parent, name, &info, AT_SYMLINK_NOFOLLOW) == 0 ? remember(info) : Result<>();
  }

  UnpackOptions options_;
  std::string staged_;  ///< the name of the object that is being made
  Memory memory_;
  Room room_;
  Directories directories_;
  std::size_t entries_ = 0;
  std::uint64_t written_bytes_ = 0;
  bool begun_ = false, finished_ = false;
  std::optional<Waiting> waiting_;
  std::string below_left_out_;  ///< the path of the last directory that was left out, with a slash
  std::set<FileId> own_;        ///< the files that this archive has made or written
};

}  // namespace

Result<> unpack_tree(int tar_fd, const std::string& directory, const UnpackOptions& options) {
  auto root = TRY(host::open_file(directory, O_PATH | O_DIRECTORY));
  auto reader = TRY(TarReader::open(tar_fd, Compression::none));
  Unpacker unpacker(root.get(), options);
  while (auto entry = TRY(reader.next()))
    TRY(in(fmt::format("archive entry '{}'", printable(entry->path)), unpacker.add(reader, *entry)));
  return unpacker.finish();
}

}  // namespace banger::tar

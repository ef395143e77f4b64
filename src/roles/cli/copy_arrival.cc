#include "roles/cli/copy_arrival.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <map>

#include "host/files.h"
#include "host/paths.h"
#include "tar/attributes.h"
#include "tar/placement.h"
#include "tar/room.h"

namespace banger::roles::cli {

namespace {

using host::RecordedDirectory;
using tar::Place;
using tar::Target;
using FileId = std::pair<dev_t, ino_t>;

constexpr std::uint64_t kStatBlock = 512;  // stat(2) counts blocks of this size

bool is_stream(mode_t mode) { return S_ISCHR(mode) || S_ISBLK(mode) || S_ISFIFO(mode); }

// Opens without blocking: a FIFO may never get a reader.
Result<UniqueFd> open_for_content(const std::string& to, int flags) {
  UniqueFd file(::open(to.c_str(), O_WRONLY | O_TRUNC | O_NOCTTY | O_NONBLOCK | O_CLOEXEC | flags));
  int error = errno;
  if (!file && error == ENXIO && std::filesystem::is_fifo(to))
    return fail(ErrorCode::unavailable, fmt::format("{} is a FIFO without a reader", to), "start its reader first");
  if (!file && error == ENOENT && std::filesystem::is_symlink(to))
    return fail(ErrorCode::not_found, fmt::format("{} is a symlink to nothing", to),
                "create the file that the symlink leads to, or remove the symlink");
  if (!file) return fail_errno(to, error);
  if (::fcntl(file.get(), F_SETFL, 0) < 0) return fail_errno(to);
  return file;
}

Result<> check_room(const std::string& file, std::uint64_t bytes) {
  auto parent = std::filesystem::path(file).parent_path();
  auto directory = TRY(host::open_file(parent.empty() ? "." : parent.string(), O_PATH | O_DIRECTORY));
  struct statvfs info{};
  if (::fstatvfs(directory.get(), &info) < 0) return fail_errno(file);
  return tar::Room(directory.get(), tar::reserve_of(info)).take(bytes);
}

// Like cp: the existing file keeps its owner and mode.
Result<> overwrite(int content, const std::string& to, int flags) {
  struct stat info{}, there{};
  bool fills = ::fstat(content, &info) == 0 && ::stat(to.c_str(), &there) == 0 && S_ISREG(there.st_mode);
  if (fills) TRY(in(to, check_room(to, static_cast<std::uint64_t>(info.st_blocks) * kStatBlock)));
  auto file = TRY(open_for_content(to, flags));
  return in(to, tar::copy_content(content, file.get()));
}

Result<> rename_over(const std::string& from, const std::string& to, const struct stat& info) {
  // A directory that this user cannot write cannot be moved either, because its ".." changes.
  bool locked = S_ISDIR(info.st_mode) && !(info.st_mode & S_IWUSR);
  if (locked) (void)::chmod(from.c_str(), info.st_mode | S_IRWXU);
  if (::rename(from.c_str(), to.c_str()) < 0) return fail_errno(to);
  if (locked) (void)::chmod(to.c_str(), info.st_mode & 07777);
  return {};
}

// Before the rename, in the stage that only this user reads.
Result<> wear_attributes_of(const std::string& to, const std::string& from) {
  (void)::chmod(from.c_str(), 0600);  // its own mode may not allow its user to open it
  auto file = TRY(host::open_file(from, O_RDONLY | O_NOFOLLOW));
  return tar::apply_attributes_of(file.get(), AT_FDCWD, to, {.owner = true, .setid = false});
}

class Merge {
 public:
  Merge(const CopyOptions& options, CopyReport& report) : options_(options), report_(report) {}

  Result<> move(const std::string& from, const std::string& to) {
    struct stat ours{}, theirs{};
    if (::lstat(from.c_str(), &ours) < 0) return fail_errno(from);
    if (::lstat(to.c_str(), &theirs) < 0) return rename_over(from, to, ours);
    if (!S_ISDIR(ours.st_mode)) return move_file(from, ours, to, theirs);
    if (!S_ISDIR(theirs.st_mode))
      return fail(ErrorCode::exists, fmt::format("{} is not a directory, so a directory cannot be copied onto it", to));
    (void)::chmod(from.c_str(), ours.st_mode | S_IRWXU);
    std::error_code error;
    std::vector<std::string> names;
    for (std::filesystem::directory_iterator it(from, error), end; !error && it != end; it.increment(error))
      names.push_back(it->path().filename().string());
    if (error) return fail_errno(from, error.value());
    for (const auto& name : names) TRY(move_below(from + "/" + name, to + "/" + name));
    return {};
  }

 private:
  // As with cp, one object that cannot be replaced does not stop the others. A full disk does.
  Result<> move_below(const std::string& from, const std::string& to) {
    auto moved = move(from, to);
    if (moved || moved.error().code == ErrorCode::exhausted) return moved;
    report_.leave_out(to, moved.error().sentence());
    return {};
  }

  Result<> move_file(const std::string& from, const struct stat& ours, const std::string& to,
                     const struct stat& theirs) {
    auto place = TRY(in(to, tar::place_of(ours.st_mode, theirs, Target::found)));
    if (place == Place::keep) return {};
    if (place == Place::replace) {
      if (S_ISREG(ours.st_mode)) TRY(in(to, tar::check_writable(AT_FDCWD, to)));
      bool files = S_ISREG(ours.st_mode) && S_ISREG(theirs.st_mode);
      auto worn = files && !options_.replace_attributes ? wear_attributes_of(to, from) : Result<>();
      auto renamed = worn ? rename_over(from, to, ours) : worn;
      if (renamed || !files || !tar::keeps_its_file(renamed.error().sys_errno)) return renamed;
    } else if (S_ISREG(theirs.st_mode)) {
      // The target may be another name of a file that was written before. Writing it again would change the first copy.
      auto [before, is_first] = written_.try_emplace({theirs.st_dev, theirs.st_ino}, ours.st_ino);
      if (!is_first) return before->second == ours.st_ino ? Result<>() : rename_over(from, to, ours);
    }
    auto content = TRY(host::open_file(from, O_RDONLY | O_NOFOLLOW));
    return overwrite(content.get(), to, O_NOFOLLOW);
  }

  const CopyOptions& options_;
  CopyReport& report_;
  std::map<FileId, ino_t> written_;  ///< written targets, and the inode of the copied file
};

}  // namespace

Result<RecordedDirectory> stage_for(Io& io, const Landing& landing) {
  auto paths = TRY(host::find_paths(io.env));
  auto records = host::copy_records(paths);
  auto make = [&](const std::string& parent) { return RecordedDirectory::make(records, parent, ".banger-cp-"); };
  auto make_in_cache = [&]() -> Result<RecordedDirectory> {
    TRY(host::make_directories(paths.cache, 0700));
    return make(paths.cache);
  };
  auto to = landing.path();
  struct stat there{}, behind{};
  bool taken = ::lstat(to.c_str(), &there) == 0;
  // The directory may be a mount, or this user may be unable to write its parent. So the stage is inside the directory.
  if (taken && S_ISDIR(there.st_mode)) return make(to);
  // Files beside a device would be in memory, because /dev is.
  if (taken && ::stat(to.c_str(), &behind) == 0 && is_stream(behind.st_mode)) return make_in_cache();
  auto beside = make(landing.directory);
  return beside || !taken ? std::move(beside) : make_in_cache();
}

Result<> put_in_place(RecordedDirectory stage, const std::string& arrived, const Landing& landing,
                      const CopyOptions& options, CopyReport& report) {
  auto to = landing.path();
  struct stat ours{}, theirs{};
  if (::lstat(arrived.c_str(), &ours) < 0) return fail_errno(arrived);
  bool onto = landing.named && !S_ISDIR(ours.st_mode) && ::lstat(to.c_str(), &theirs) == 0;
  if (!onto || TRY(in(to, tar::place_of(ours.st_mode, theirs, Target::named))) != Place::write_into)
    return merge_move(arrived, to, options, report);
  auto content = TRY(host::open_file(arrived, O_RDONLY | O_NOFOLLOW));
  // A FIFO may have a slow reader, and the user may interrupt the wait. So the stage is removed before the write.
  stage.remove();
  return overwrite(content.get(), to, 0);
}

Result<> merge_move(const std::string& from, const std::string& to, const CopyOptions& options, CopyReport& report) {
  return Merge(options, report).move(from, to);
}

}  // namespace banger::roles::cli

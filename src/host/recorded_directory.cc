#include "host/recorded_directory.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>

#include "base/bounds.h"
#include "base/text.h"
#include "host/files.h"

namespace banger::host {

namespace fs = std::filesystem;

namespace {

constexpr std::size_t kRandomBytes = 8;

/// Also removes directories that their owner made read-only.
Result<> remove_all(const std::string& path) {
  if (remove_tree(path)) return {};
  std::error_code ignored;
  fs::permissions(path, fs::perms::owner_all, fs::perm_options::add | fs::perm_options::nofollow, ignored);
  for (fs::recursive_directory_iterator at(path, ignored), end; !ignored && at != end; at.increment(ignored))
    if (at->is_directory(ignored) && !at->is_symlink(ignored))
      fs::permissions(at->path(), fs::perms::owner_all, fs::perm_options::add, ignored);
  return remove_tree(path);
}

struct Record {
  std::string path;
  UniqueFd lock;
};

/// A record of a new name, locked. A sweep that looks at the record before it is locked may remove it. Then there is
/// another name.
Result<Record> make_record(const std::string& records) {
  for (;;) {
    auto path = fmt::format("{}/{}", records, to_hex(random_bytes(kRandomBytes)));
    auto lock = TRY(open_file(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW));
    struct stat info{};
    if (::flock(lock.get(), LOCK_EX) < 0 || ::fstat(lock.get(), &info) < 0) return fail_errno(path);
    if (info.st_nlink > 0) return Record{std::move(path), std::move(lock)};
  }
}

std::string name_of(const std::string& path) { return fs::path(path).filename().string(); }

/// The lock of a record whose owner is gone.
Result<UniqueFd> take_over(const std::string& record) {
  auto lock = TRY(open_file(record, O_RDONLY | O_NOFOLLOW | O_NONBLOCK));
  if (::flock(lock.get(), LOCK_EX | LOCK_NB) < 0)
    return fail(ErrorCode::busy, fmt::format("{}: its process still runs", record));
  return lock;
}

/// The name of a recorded directory ends with the name of its record.
Result<> check_own(const std::string& path, const std::string& record) {
  struct stat info{};
  if (::lstat(path.c_str(), &info) < 0) return errno == ENOENT || errno == ENOTDIR ? Result<>() : fail_errno(path);
  if (S_ISDIR(info.st_mode) && info.st_uid == ::geteuid() && name_of(path).ends_with(name_of(record))) return {};
  return fail(ErrorCode::denied, fmt::format("{}: it is no temporary directory of this user", path));
}

}  // namespace

std::string copy_records(const Paths& paths) { return paths.state + "/copies"; }

Result<RecordedDirectory> RecordedDirectory::make(const std::string& records, const std::string& parent,
                                                  std::string_view prefix) {
  std::error_code error;
  auto absolute = fs::absolute(parent, error);
  if (error) return fail_errno(parent, error.value());
  TRY(make_directories(records, 0700));
  auto record = TRY(make_record(records));
  auto path = fmt::format("{}/{}{}", absolute.string(), prefix, name_of(record.path));
  // From here on, the destructor removes the record.
  RecordedDirectory made(std::move(path), std::move(record.path), std::move(record.lock));
  TRY(write_all(made.lock_.get(), made.path_));
  if (::mkdir(made.path_.c_str(), 0700) < 0) return fail_errno(parent);
  return made;
}

RecordedDirectory::RecordedDirectory(RecordedDirectory&& other) noexcept
    : path_(std::exchange(other.path_, {})), record_(std::move(other.record_)), lock_(std::move(other.lock_)) {}

void RecordedDirectory::remove() {
  if (path_.empty()) return;
  // Without its directory, a record means nothing. What cannot be removed now stays recorded.
  if (remove_all(path_)) (void)remove_file(record_);
  path_.clear();
  lock_.reset();
}

std::vector<AbandonedDirectory> abandoned_directories(const std::string& records) {
  std::vector<AbandonedDirectory> found;
  std::error_code error;
  for (fs::directory_iterator at(records, error), end; !error && at != end; at.increment(error)) {
    auto record = at->path().string();
    auto lock = take_over(record);
    auto path = lock ? read_all(lock->get(), record, limits::kPathBytes) : std::unexpected(lock.error());
    if (path) found.push_back({std::move(*path), std::move(record)});
  }
  return found;
}

Result<> remove_abandoned(const AbandonedDirectory& directory) {
  auto lock = take_over(directory.record);
  if (!lock && lock.error().code == ErrorCode::not_found) return {};
  if (!lock) return std::unexpected(lock.error());
  // An empty record: its process ended before it made anything.
  if (!directory.path.empty()) {
    TRY(check_own(directory.path, directory.record));
    TRY(remove_all(directory.path));
  }
  return remove_file(directory.record);
}

}  // namespace banger::host

#include "host/recorded_directory.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>

#include "host/files.h"

namespace banger::host {

namespace fs = std::filesystem;

namespace {

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

std::string name_of(const std::string& path) { return fs::path(path).filename().string(); }

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
  auto record = TRY(Record::make(records));
  auto path = fmt::format("{}/{}{}", absolute.string(), prefix, record.name());
  // From here on, the destructor removes the record.
  RecordedDirectory made(std::move(path), std::move(record));
  TRY(made.record_->write(made.path_, Durable::no));
  if (::mkdir(made.path_.c_str(), 0700) < 0) return fail_errno(parent);
  return made;
}

RecordedDirectory::RecordedDirectory(RecordedDirectory&& other) noexcept
    : path_(std::exchange(other.path_, {})), record_(std::move(other.record_)) {}

void RecordedDirectory::remove() {
  if (path_.empty()) return;
  // Without its directory, a record means nothing. What cannot be removed now stays recorded.
  if (remove_all(path_)) (void)record_->remove();
  path_.clear();
  record_.reset();
}

std::vector<AbandonedDirectory> abandoned_directories(const std::string& records) {
  std::vector<AbandonedDirectory> found;
  for (auto& record : abandoned_records(records)) found.push_back({std::move(record.text), std::move(record.path)});
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

#include "image/staged_directory.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/fs.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <future>
#include <vector>

#include "base/text.h"
#include "host/files.h"
#include "host/open_name.h"
#include "host/start_async.h"
#include "image/bounds.h"

namespace banger::image {

namespace fs = std::filesystem;

namespace {
constexpr std::string_view kStagedMark = ".partial-";

Result<> sync_one(const std::string& path) {
  auto fd = TRY(host::open_file(path, O_RDONLY | O_NOFOLLOW));
  if (::fsync(fd.get()) < 0) return fail_errno(path);
  return {};
}

Result<> wait_for(std::vector<std::future<Result<>>>& syncs) {
  Result<> first;
  for (auto& sync : syncs)
    if (auto done = sync.get(); !done && first) first = std::move(done);
  syncs.clear();
  return first;
}

/// Syncs a directory and everything in it. A directory with its final name must survive a power cut complete. Parallel
/// syncs share the file system's commits.
Result<> sync_tree(const std::string& path) {
  std::vector<std::future<Result<>>> syncs;
  std::error_code error;
  for (fs::recursive_directory_iterator at(path, error), end; !error && at != end; at.increment(error)) {
    syncs.push_back(TRY(host::start_async([file = at->path().string()] { return sync_one(file); })));
    if (syncs.size() == limits::kParallelSyncs) TRY(wait_for(syncs));
  }
  if (error) return fail_errno(path, error.value());
  syncs.push_back(TRY(host::start_async([path] { return sync_one(path); })));
  return wait_for(syncs);
}

/// Until the result is closed, nobody takes the directory for a leftover. Nothing is held if another process holds it,
/// or has just removed it.
UniqueFd hold(const std::string& path) {
  UniqueFd held(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (held && (::flock(held.get(), LOCK_EX | LOCK_NB) < 0 || !host::is_at(held.get(), path))) held.reset();
  return held;
}
}  // namespace

Result<> check_store_name(std::string_view kind, std::string_view name) {
  constexpr std::string_view kFirst = "abcdefghijklmnopqrstuvwxyz0123456789";
  bool good = !name.empty() && name.size() <= 63 && kFirst.find(name[0]) != kFirst.npos &&
              name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789._-") == name.npos;
  if (good) return {};
  return fail(ErrorCode::invalid, fmt::format("'{}' is not a valid {} name", printable(name, 80), kind),
              "use up to 63 of a-z, 0-9, '.', '_' and '-', starting with a letter or digit");
}

Result<StagedDirectory> StagedDirectory::make(const std::string& parent, std::string_view name) {
  TRY(host::make_directories(parent, 0700));
  std::string path = fmt::format("{}/.{}{}{}", parent, name, kStagedMark, to_hex(host::random_bytes(4)));
  if (::mkdir(path.c_str(), 0700) < 0) return fail_errno(path);
  auto lock = TRY(host::open_file(path, O_RDONLY | O_DIRECTORY));
  if (::flock(lock.get(), LOCK_EX) < 0) return fail_errno(path);  // somebody may just look whether it is a leftover
  return StagedDirectory(std::move(path), std::move(lock));
}

StagedDirectory::StagedDirectory(StagedDirectory&& other) noexcept
    : path_(std::exchange(other.path_, {})), lock_(std::move(other.lock_)) {}

StagedDirectory::~StagedDirectory() {
  if (!path_.empty()) (void)host::remove_tree(path_);
}

Result<> StagedDirectory::sync() const { return sync_tree(path_); }

Result<> StagedDirectory::appear(const std::string& final_path) && {
  // RENAME_NOREPLACE: a plain rename would silently replace an empty directory.
  if (::renameat2(AT_FDCWD, path_.c_str(), AT_FDCWD, final_path.c_str(), RENAME_NOREPLACE) < 0)
    return fail_errno(final_path);
  path_.clear();
  return {};
}

Result<> StagedDirectory::commit(const std::string& final_path) && {
  TRY(sync());
  return std::move(*this).appear(final_path);
}

Result<> StagedDirectory::replace(const std::string& final_path) && {
  TRY(sync());
  UniqueFd held = hold(final_path);
  if (::renameat2(AT_FDCWD, path_.c_str(), AT_FDCWD, final_path.c_str(), RENAME_EXCHANGE) == 0)
    return host::remove_tree(std::exchange(path_, {}));
  if (errno != ENOENT) return fail_errno(final_path);
  return std::move(*this).appear(final_path);
}

std::vector<std::string> store_entries(const std::string& directory) {
  std::vector<std::string> names;
  std::error_code error;
  for (fs::directory_iterator at(directory, error), end; !error && at != end; at.increment(error)) {
    std::string name = at->path().filename().string();
    if (!name.starts_with('.') && at->is_directory(error) && !at->is_symlink(error)) names.push_back(std::move(name));
  }
  std::sort(names.begin(), names.end());
  return names;
}

Result<TakenOut> take_out(const std::string& directory, std::string_view name) {
  std::string path = fmt::format("{}/{}", directory, name);
  TakenOut taken{.path = fmt::format("{}/.{}{}{}", directory, name, kStagedMark, to_hex(host::random_bytes(4))),
                 .held = hold(path)};
  if (::rename(path.c_str(), taken.path.c_str()) < 0) return fail_errno(path);
  return taken;
}

Result<> remove(TakenOut taken) { return host::remove_tree(taken.path); }

std::vector<std::string> staged_leftovers(const std::string& directory) {
  std::vector<std::string> paths;
  std::error_code error;
  for (fs::directory_iterator at(directory, error), end; !error && at != end; at.increment(error)) {
    std::string name = at->path().filename().string();
    if (!name.starts_with('.') || name.find(kStagedMark) == name.npos) continue;
    if (hold(at->path().string())) paths.push_back(at->path().string());
  }
  std::sort(paths.begin(), paths.end());
  return paths;
}

Result<> remove_leftover(const std::string& path) {
  UniqueFd held = hold(path);
  if (!held && fs::exists(path)) return fail(ErrorCode::busy, fmt::format("another process uses {} by now", path));
  return host::remove_tree(path);
}

}  // namespace banger::image

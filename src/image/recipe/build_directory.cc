#include "image/recipe/build_directory.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <optional>

#include "base/text.h"
#include "host/files.h"
#include "image/apt/tool.h"
#include "image/bounds.h"

namespace banger::image {

namespace fs = std::filesystem;

namespace {

constexpr const char* kParents[] = {"/var/tmp", "/tmp"};

std::string room_prefix() { return fmt::format("banger-build-{}-", ::geteuid()); }

std::string roomier_parent() {
  auto first = host::free_space(kParents[0]), second = host::free_space(kParents[1]);
  bool enough = first && *first >= limits::kBuildDirectoryBytes;
  return enough || !second || (first && *first >= *second) ? kParents[0] : kParents[1];
}

/// Files in a build directory belong to ids of the user namespace. Only the root of that namespace may remove them.
Task<Result<>> remove_build_directory(host::Runtime& runtime, std::string path_variable, std::string path) {
  auto removed = co_await runtime.blocking([&] { return host::remove_tree(path); });
  if (removed) co_return removed;
  host::Cancel never(runtime);
  ToolRun remover{{.argv = {"mmdebstrap", "--unshare-helper", "sh", "-c", "rm -rf \"$1\"/*", "sh", path},
                   .env = tool_environment(path_variable)},
                  host::after(limits::kAptQueryDeadline)};
  (void)co_await run_tool(runtime, std::move(remover), never);
  co_return co_await runtime.blocking([&] { return host::remove_tree(path); });
}

/// The lock of a directory that belongs to this user and that no build holds.
std::optional<UniqueFd> lock_abandoned(const std::string& path) {
  struct stat info{};
  UniqueFd held(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!held || ::fstat(held.get(), &info) < 0 || info.st_uid != ::geteuid()) return std::nullopt;
  if (::flock(held.get(), LOCK_EX | LOCK_NB) < 0) return std::nullopt;
  return held;
}

/// nullopt when another process took the new directory for an abandoned one before it was locked.
Result<std::optional<UniqueFd>> make_build_directory(const std::string& path) {
  if (::mkdir(path.c_str(), 0755) < 0) return fail_errno(path);
  (void)::chmod(path.c_str(),
                0755);  // whatever the umask, because to this directory the namespace's root is another user
  UniqueFd lock(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  struct stat info{};
  if (!lock || ::flock(lock.get(), LOCK_EX | LOCK_NB) < 0 || ::lstat(path.c_str(), &info) < 0) return std::nullopt;
  return lock;
}

}  // namespace

Task<Result<BuildDirectory>> BuildDirectory::make(host::Runtime& runtime, std::string path_variable,
                                                  host::Cancel& cancel) {
  for (const auto& path : abandoned()) (void)co_await remove(runtime, path_variable, path);
  CO_TRY(cancel.check());
  auto parent = roomier_parent();
  auto free = CO_TRY(host::free_space(parent));
  if (free < limits::kBuildDirectoryBytes)
    co_return fail(ErrorCode::exhausted, fmt::format("{} has {} free; a build needs {}", parent, format_size(free),
                                                     format_size(limits::kBuildDirectoryBytes)));
  for (int attempt = 0; attempt < 3; ++attempt) {
    std::string path = fmt::format("{}/{}{}", parent, room_prefix(), to_hex(host::random_bytes(4)));
    if (auto lock = CO_TRY(make_build_directory(path)))
      co_return BuildDirectory(runtime, path_variable, std::move(path), std::move(*lock));
  }
  co_return fail(ErrorCode::busy, fmt::format("no directory for the build could be kept in {}", parent));
}

std::vector<std::string> BuildDirectory::abandoned() {
  std::vector<std::string> found;
  for (const char* parent : kParents) {
    std::error_code error;
    for (fs::directory_iterator at(parent, fs::directory_options::skip_permission_denied, error), end;
         !error && at != end; at.increment(error))
      if (at->path().filename().string().starts_with(room_prefix()) && lock_abandoned(at->path().string()))
        found.push_back(at->path().string());
  }
  return found;
}

Task<Result<>> BuildDirectory::remove(host::Runtime& runtime, std::string path_variable, std::string path) {
  auto lock = lock_abandoned(path);
  if (!lock) co_return Result<>{};
  co_return co_await remove_build_directory(runtime, std::move(path_variable), std::move(path));
}

Task<> BuildDirectory::clean_up() { (void)co_await remove_build_directory(*runtime_, path_variable_, path_); }

}  // namespace banger::image

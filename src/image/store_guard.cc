#include "image/store_guard.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <vector>

namespace banger::image {

namespace {

constexpr mode_t kOthersWrite = S_IWGRP | S_IWOTH;

/// The directories whose content VMs boot, as far as they exist: those of banger, and one for each image and kernel.
std::vector<std::string> directories(const host::Paths& paths) {
  std::vector<std::string> found{paths.data, paths.cache};
  for (const auto& store : {paths.images(), paths.kernels()}) {
    found.push_back(store);
    std::error_code error;
    for (const auto& entry : std::filesystem::directory_iterator(store, error))
      if (entry.is_directory(error)) found.push_back(entry.path().string());
  }
  return found;
}

Result<> check(const std::string& path, const struct stat& info) {
  if (info.st_uid != ::geteuid() && info.st_uid != 0)
    return fail(ErrorCode::denied,
                fmt::format("{} belongs to another user (uid {}), who could change what VMs boot", path, info.st_uid),
                "give it back with chown, or point the XDG variables at your own directories");
  if (info.st_mode & kOthersWrite)
    return fail(ErrorCode::denied, fmt::format("other users can write to {}, and change what VMs boot", path),
                fmt::format("chmod go-w {}", path));
  return {};
}

}  // namespace

Result<> check_stores(const host::Paths& paths) {
  for (const auto& path : directories(paths)) {
    struct stat info{};
    if (::stat(path.c_str(), &info) == 0) TRY(check(path, info));
  }
  return {};
}

Result<> guard_stores(const host::Paths& paths) {
  for (const auto& path : directories(paths)) {
    struct stat info{};
    if (::stat(path.c_str(), &info) < 0) continue;
    bool own = info.st_uid == ::geteuid();
    if (own && (info.st_mode & kOthersWrite) && ::chmod(path.c_str(), info.st_mode & 07777 & ~kOthersWrite) == 0)
      continue;
    TRY(check(path, info));
  }
  return {};
}

}  // namespace banger::image

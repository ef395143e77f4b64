#include "image/host_file.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "image/store.h"

namespace banger::image {

namespace {

std::int64_t modified_ns(const struct stat& info) {
  return std::int64_t{info.st_mtim.tv_sec} * 1'000'000'000 + info.st_mtim.tv_nsec;
}

std::string name_of(const Image& image) { return image.name.empty() ? image.id : image.name; }

/// Names the image, and says how to get out.
std::unexpected<Error> unusable(const Image& image, ErrorCode code, std::string_view why) {
  return fail(code, fmt::format("image '{}' uses {}, which {}", name_of(image), image.host_file->path, why),
              fmt::format("put the file back, or register it again after 'banger image delete {}'", name_of(image)));
}

/// `denied` when another user may write to what `path` names. In a sticky directory, others only touch their own names.
Result<> check_writers(const std::string& path, const struct stat& info) {
  if (info.st_uid != ::geteuid() && info.st_uid != 0)
    return fail(ErrorCode::denied, fmt::format("{} belongs to another user, who could change what VMs boot", path),
                "use a file of your own, in directories of your own");
  bool sticky = S_ISDIR(info.st_mode) && (info.st_mode & S_ISVTX);
  if (sticky || !(info.st_mode & (S_IWGRP | S_IWOTH))) return {};
  return fail(ErrorCode::denied, fmt::format("other users can write to {}, and change what VMs boot", path),
              fmt::format("chmod go-w {}", path));
}

/// Who can write to a directory can put another file into the place of one in it.
Result<> check_parents(const std::string& path) {
  for (auto parent = std::filesystem::path(path).parent_path();; parent = parent.parent_path()) {
    struct stat info{};
    if (::lstat(parent.c_str(), &info) < 0) return fail_errno(parent.string());
    if (!S_ISDIR(info.st_mode)) return fail(ErrorCode::invalid, fmt::format("{} is not a directory", parent.string()));
    TRY(check_writers(parent, info));
    if (parent == parent.root_path()) return {};
  }
}

/// The file at a path without links, when no other user can change it.
Result<struct stat> trusted_file(const std::string& path) {
  TRY(check_parents(path));
  struct stat info{};
  if (::lstat(path.c_str(), &info) < 0) return fail_errno(path);
  if (!S_ISREG(info.st_mode)) return fail(ErrorCode::invalid, fmt::format("{} is not a regular file", path));
  TRY(check_writers(path, info));
  return info;
}

HostFile described(const std::string& path, const struct stat& info) {
  return {.path = path, .modified_ns = modified_ns(info), .inode = info.st_ino};
}

}  // namespace

Result<HostFile> host_file_at(const std::string& path) {
  std::error_code error;
  auto whole = std::filesystem::canonical(path, error);
  if (error) return fail_errno(path, error.value());
  return described(whole, TRY(trusted_file(whole)));
}

Result<> check_host_file(const Image& image) {
  if (!image.host_file) return {};
  const auto& registered = *image.host_file;
  auto info = trusted_file(registered.path);
  if (!info && info.error().code == ErrorCode::not_found) return unusable(image, ErrorCode::unavailable, "is gone");
  if (!info) return std::unexpected(std::move(info.error()).in(fmt::format("image '{}'", name_of(image))));
  auto now = described(registered.path, *info);
  if (registered.inode == 0) now.inode = 0;
  bool same = static_cast<std::uint64_t>(info->st_size) == image.rootfs_bytes && now == registered;
  return same ? Result<>() : unusable(image, ErrorCode::corrupt, "has changed since it was registered");
}

}  // namespace banger::image

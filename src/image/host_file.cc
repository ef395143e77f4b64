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

/// Names the image, and says how to get out.
std::unexpected<Error> unusable(const Image& image, ErrorCode code, std::string_view why) {
  const auto& name = image.name.empty() ? image.id : image.name;
  return fail(code, fmt::format("image '{}' uses {}, which {}", name, image.host_file->path, why),
              fmt::format("put the file back, or register it again after 'banger image delete {}'", name));
}

}  // namespace

Result<HostFile> host_file_at(const std::string& path) {
  std::error_code error;
  auto whole = std::filesystem::canonical(path, error);
  if (error) return fail_errno(path, error.value());
  struct stat info{};
  if (::stat(whole.c_str(), &info) < 0) return fail_errno(path);
  if (!S_ISREG(info.st_mode)) return fail(ErrorCode::invalid, fmt::format("{} is not a regular file", path));
  if (info.st_uid != ::geteuid() && info.st_uid != 0)
    return fail(ErrorCode::denied, fmt::format("{} belongs to another user, who could change what VMs boot", path),
                "register a file of your own");
  if (info.st_mode & (S_IWGRP | S_IWOTH))
    return fail(ErrorCode::denied, fmt::format("other users can write to {}, and change what VMs boot", path),
                fmt::format("chmod go-w {}", path));
  return HostFile{.path = whole, .modified_ns = modified_ns(info)};
}

Result<> check_host_file(const Image& image) {
  if (!image.host_file) return {};
  struct stat info{};
  if (::stat(image.host_file->path.c_str(), &info) < 0) return unusable(image, ErrorCode::unavailable, "is gone");
  bool same = static_cast<std::uint64_t>(info.st_size) == image.rootfs_bytes &&
              modified_ns(info) == image.host_file->modified_ns;
  return same ? Result<>() : unusable(image, ErrorCode::corrupt, "has changed since it was registered");
}

}  // namespace banger::image

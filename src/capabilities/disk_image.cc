#include "capabilities/disk_image.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "base/text.h"
#include "capabilities/bounds.h"
#include "host/files.h"

namespace banger::capabilities {

namespace {

Result<> make_whole(const std::string& path, const std::function<Result<>(const std::string&)>& make) {
  std::string temporary = path + ".part";
  TRY(host::remove_file(temporary));
  auto made = make(temporary);
  if (made && ::rename(temporary.c_str(), path.c_str()) < 0) made = fail_errno(path);
  if (!made) (void)host::remove_file(temporary);
  return made;
}

Result<> grow(const std::string& path, std::uint64_t size_bytes) {
  struct stat info{};
  if (::stat(path.c_str(), &info) < 0) return fail_errno(path);
  if (static_cast<std::uint64_t>(info.st_size) >= size_bytes) return {};
  if (::truncate(path.c_str(), static_cast<off_t>(size_bytes)) < 0) return fail_errno(fmt::format("grow {}", path));
  return {};
}

}  // namespace

Task<Result<>> ensure_disk(host::Runtime& runtime, std::string path, std::uint64_t size_bytes,
                           std::function<Result<>(const std::string&)> make) {
  auto work = [path = std::move(path), size_bytes, make = std::move(make)]() -> Result<> {
    if (::access(path.c_str(), F_OK) < 0) TRY(make_whole(path, make));
    return grow(path, size_bytes);
  };
  co_return co_await runtime.blocking(std::move(work));
}

Result<> check_room(const std::string& directory) {
  std::filesystem::path there = directory;
  std::error_code error;
  while (there.has_relative_path() && !std::filesystem::exists(there, error)) there = there.parent_path();
  std::uint64_t free_bytes = TRY(host::free_space(there.string()));
  if (free_bytes >= limits::kMinFreeDiskBytes) return {};
  return fail(ErrorCode::exhausted,
              fmt::format("only {} are free on the file system of VM disks ({})", format_size(free_bytes), directory),
              fmt::format("free at least {}", format_size(limits::kMinFreeDiskBytes)));
}

}  // namespace banger::capabilities

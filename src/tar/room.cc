#include "tar/room.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "tar/bounds.h"

namespace banger::tar {

namespace {

std::unexpected<Error> full(std::string_view what) {
  return fail(ErrorCode::exhausted, fmt::format("the file system would keep less than {} free", what),
              "make room, or copy to another file system");
}

}  // namespace

std::uint64_t reserve_of(const struct statvfs& info) {
  auto size = static_cast<std::uint64_t>(info.f_blocks) * info.f_frsize;
  return std::min<std::uint64_t>(limits::kRoomReserveBytes, size / limits::kRoomReservePart);
}

Result<std::uint64_t> reserve_in(const std::string& directory) {
  struct statvfs info{};
  if (::statvfs(directory.c_str(), &info) < 0) return fail_errno(directory);
  return reserve_of(info);
}

Result<> Room::take(std::uint64_t bytes) {
  if (reserve_ == 0) return {};
  auto step = std::min<std::uint64_t>(limits::kRoomStepBytes, reserve_ / 4);
  if (unchecked_ <= step && bytes <= step - unchecked_) {
    unchecked_ += bytes;
    return {};
  }
  struct statvfs info{};
  if (::fstatvfs(directory_, &info) < 0) return fail_errno("ask for the room of the file system");
  auto free = static_cast<std::uint64_t>(info.f_bavail) * info.f_frsize;
  if (free < reserve_ || free - reserve_ < bytes) return full(format_size(reserve_));
  // Some file systems have no fixed number of files, and give 0.
  auto files = std::min<std::uint64_t>(limits::kRoomReserveFiles, info.f_files / limits::kRoomReservePart);
  if (info.f_favail < files) return full(fmt::format("{} names for files", files));
  unchecked_ = bytes;
  return {};
}

}  // namespace banger::tar

#include "image/room.h"

#include <fmt/format.h>
#include <sys/statvfs.h>

#include "base/text.h"
#include "image/bounds.h"
#include "tar/room.h"

namespace banger::image {

Result<> check_room(const std::string& directory) {
  struct statvfs info{};
  if (::statvfs(directory.c_str(), &info) < 0) return fail_errno("ask for the room of the file system");
  auto reserve = tar::reserve_of(info);
  if (static_cast<std::uint64_t>(info.f_bavail) * info.f_frsize >= reserve) return {};
  return fail(ErrorCode::exhausted,
              fmt::format("the host's disk has less than {} left for the image", format_size(reserve)),
              "free some space");
}

Result<> RoomWatch::written(std::uint64_t bytes) {
  if (bytes < next_look_) return {};
  next_look_ = bytes + limits::kRoomLookBytes;
  return check_room(directory_);
}

}  // namespace banger::image

// Room on the host's disk while an image is written.
#pragma once

#include <cstdint>
#include <string>
#include <utility>

#include "base/result.h"

namespace banger::image {

/// `exhausted` when the file system of `directory` has less than its reserve left. Running machines need that room,
/// because their disks grow. Cheap.
Result<> check_room(const std::string& directory);

/// check_room() for a writer that goes on and on. Looks after each limits::kRoomLookBytes.
class RoomWatch {
 public:
  explicit RoomWatch(std::string directory) : directory_(std::move(directory)) {}
  /// With the number of bytes that are written by now.
  Result<> written(std::uint64_t bytes);

 private:
  std::string directory_;
  std::uint64_t next_look_ = 0;
};

}  // namespace banger::image

// The room of a file system while a copy fills it. A copy whose size another machine decides leaves a reserve.
#pragma once

#include <sys/statvfs.h>

#include <cstdint>
#include <string>

#include "base/result.h"

namespace banger::tar {

/// What a copy leaves free on such a file system: limits::kRoomReserveBytes, or less on a small one.
std::uint64_t reserve_of(const struct statvfs& info);
/// The same for the file system of a directory.
Result<std::uint64_t> reserve_in(const std::string& directory);

class Room {
 public:
  /// `directory` is borrowed. A reserve of 0 means that nothing is checked.
  Room(int directory, std::uint64_t reserve_bytes) : directory_(directory), reserve_(reserve_bytes) {}
  /// Before so many bytes are written. `exhausted` when the reserve would be touched. Looks at the file system only
  /// after each limits::kRoomStepBytes, so that a small copy always works.
  Result<> take(std::uint64_t bytes);

 private:
  int directory_;
  std::uint64_t reserve_;
  std::uint64_t unchecked_ = 0;  ///< written since the last look
};

}  // namespace banger::tar

// What an agent keeps open until its guest is told who it is. In a clone, opening and closing these would be more code
// that runs for the first time, and is waited for, than what they are for.
#pragma once

#include "base/result.h"
#include "base/unique_fd.h"

namespace banger::guest {

struct Handles {
  UniqueFd random;   ///< /dev/urandom
  UniqueFd control;  ///< a socket for the ioctls of netdevice(7)

  static Result<Handles> open();
};

}  // namespace banger::guest

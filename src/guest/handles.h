// Descriptors that an agent keeps open until its guest gets its identity. In a clone, opening them would run more code
// for the first time than using them does, and the clone's start waits for that code.
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

// Why an attempt failed, and whether another one may follow.
#pragma once

#include <expected>
#include <utility>

#include "base/result.h"

namespace banger::http {

struct Fault {
  enum class Stage {
    unsent,    ///< no byte of the request has left
    sent,      ///< the server may have acted on the request
    answered,  ///< a part of the response has arrived
  };

  Fault(Error failed, Stage at = Stage::sent)
      : error(std::move(failed)),
        stage(at),
        again(error.code == ErrorCode::unavailable || error.code == ErrorCode::timeout) {}

  /// One that another attempt cannot mend.
  static Fault final(Error failed) {
    Fault fault(std::move(failed));
    fault.again = false;
    return fault;
  }

  Error error;
  Stage stage;
  bool again;  ///< whether the network is to blame, so that the same request may succeed later
};

template <class T>
using Attempt = std::expected<T, Fault>;

}  // namespace banger::http

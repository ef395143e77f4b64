// The coroutine type used everywhere. Only <asio/awaitable.hpp> is included; the rest of Asio stays in .cc files.
#pragma once

#include <asio/awaitable.hpp>

#include "base/result.h"

namespace banger {

/// A lazily started coroutine on the control thread. It fails by value (Task<Result<T>>), never by exception.
template <class T = void>
using Task = asio::awaitable<T>;

}  // namespace banger

// Runs one coroutine to its end.
#pragma once

#include <asio/io_context.hpp>
#include <optional>
#include <utility>

#include "host/runtime.h"

namespace banger::test {

/// Returns the coroutine's value. Background tasks that still run are suspended until the runtime runs again.
template <class T>
T run(host::Runtime& runtime, Task<T> task) {
  std::optional<T> value;
  runtime.spawn([](host::Runtime* loop, Task<T> inner, std::optional<T>* out) -> Task<> {
    out->emplace(co_await std::move(inner));
    loop->stop();
  }(&runtime, std::move(task), &value));
  runtime.io().restart();
  runtime.run();
  return std::move(*value);
}

/// Does the same for a coroutine without a value. Always returns true.
inline bool run(host::Runtime& runtime, Task<> task) {
  return run(runtime, [](Task<> inner) -> Task<bool> {
    co_await std::move(inner);
    co_return true;
  }(std::move(task)));
}

}  // namespace banger::test

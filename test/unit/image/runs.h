// Runs one coroutine of a Runtime to its end.
#pragma once

#include <asio/io_context.hpp>
#include <optional>

#include "host/runtime.h"

namespace samples {

template <class T>
T run(banger::host::Runtime& runtime, banger::Task<T> task) {
  std::optional<T> result;
  auto wrap = [](banger::Task<T> inner, std::optional<T>* into) -> banger::Task<> {
    into->emplace(co_await std::move(inner));
  };
  runtime.spawn(wrap(std::move(task), &result));
  runtime.io().restart();
  runtime.run();
  return std::move(*result);
}

}  // namespace samples

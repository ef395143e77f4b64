// Runs one coroutine to its end on a runtime and gives back its value.
#pragma once

#include <optional>

#include "host/runtime.h"

template <class T>
T run_task(banger::host::Runtime& runtime, banger::Task<T> task) {
  std::optional<T> value;
  runtime.spawn([](banger::Task<T> inner, std::optional<T>* out) -> banger::Task<> {
    out->emplace(co_await std::move(inner));
  }(std::move(task), &value));
  runtime.run();
  return std::move(*value);
}

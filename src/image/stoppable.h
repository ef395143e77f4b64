// Blocking work that ends early when the caller goes away. Control thread only.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <type_traits>

#include "host/runtime.h"
#include "image/bounds.h"

namespace banger::image {

/// Set by the control thread, and read by the work before each of its pieces.
using StopFlag = std::atomic<bool>;

inline bool requested(const StopFlag* stop) { return stop && stop->load(std::memory_order_relaxed); }

template <class T>
struct StoppableWork {
  explicit StoppableWork(host::Runtime& runtime) : done(runtime) {}
  std::function<T(const StopFlag*)> work;
  StopFlag stop = false;
  host::Event done;
  std::optional<T> value = {};  ///< control thread only
};

template <class T>
Task<> run_stoppable(std::shared_ptr<StoppableWork<T>> running, host::Runtime& runtime) {
  auto value = co_await runtime.blocking([&] { return running->work(&running->stop); });
  running->value = std::move(value);
  running->done.notify_all();
}

/// Called on the control thread now and then while the work lasts. False ends the work.
using Watch = std::function<bool()>;

/// Runs `work` on the pool. Sets its flag once `cancel` is requested, and waits for its end in any case: `work` may
/// borrow from the caller.
template <class F>
Task<std::invoke_result_t<F, const StopFlag*>> stoppable(host::Runtime& runtime, host::Cancel& cancel, F work,
                                                         Watch watch = {}) {
  using T = std::invoke_result_t<F, const StopFlag*>;
  auto running = std::make_shared<StoppableWork<T>>(runtime);
  running->work = std::move(work);
  runtime.spawn(run_stoppable(running, runtime));
  while (!running->value) {
    if (cancel.requested() || (watch && !watch())) running->stop.store(true, std::memory_order_relaxed);
    (void)co_await running->done.wait(host::after(limits::kToolTick));
  }
  co_return std::move(*running->value);
}

}  // namespace banger::image

// Work on a thread of its own, on hosts that may refuse threads.
#pragma once

#include <future>
#include <system_error>
#include <utility>

#include "base/result.h"

namespace banger::host {

/// Starts `work` on a new thread. An error when the host has no thread left for this user. As with std::async, the
/// destruction of the future waits for the end of the work.
template <class F>
Result<std::future<std::invoke_result_t<F>>> start_async(F work) {
  try {
    return std::async(std::launch::async, std::move(work));
  } catch (const std::system_error& error) {
    auto failed = fail_errno("start a thread", error.code().value());
    return std::unexpected(std::move(failed.error()).with_hint("raise this user's limit of processes (ulimit -u)"));
  }
}

}  // namespace banger::host

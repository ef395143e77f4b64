#include "client/connection.h"

#include <fmt/format.h>
#include <sys/timerfd.h>

#include <nlohmann/json.hpp>

#include "base/text.h"

namespace banger::client {

Result<UniqueFd> timer_after(std::chrono::milliseconds delay) {
  UniqueFd fd(::timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK));
  if (!fd) return fail_errno("timerfd");
  itimerspec when{};
  when.it_value.tv_sec = std::chrono::floor<std::chrono::seconds>(delay).count();
  // A timer of zero would never end, so one nanosecond is added.
  when.it_value.tv_nsec = std::chrono::nanoseconds(delay % std::chrono::seconds(1)).count() + 1;
  if (::timerfd_settime(fd.get(), 0, &when, nullptr) < 0) return fail_errno("timerfd");
  return fd;
}

Result<Json> Connection::call(std::string_view method, const Json& params, const CallOptions& options) {
  return client_.call(method, params, options.progress, options.interrupt_fd);
}

Result<Json> Connection::call_within(std::string_view method, const Json& params, std::chrono::milliseconds deadline) {
  auto timer = TRY(timer_after(deadline));
  auto result = call(method, params, {.interrupt_fd = timer.get()});
  if (!result && result.error().code == ErrorCode::cancelled)
    return fail(ErrorCode::timeout,
                fmt::format("the daemon did not answer {} within {}", method, format_duration(deadline)),
                "see 'banger daemon logs'");
  return result;
}

Result<Stream> Connection::open_stream(std::string_view method, const Json& params, const CallOptions& options) && {
  return std::move(client_).open_stream(method, params, options.progress, options.interrupt_fd);
}

}  // namespace banger::client

#include "client/connection.h"

#include <fmt/format.h>
#include <sys/timerfd.h>

#include <nlohmann/json.hpp>

#include "base/text.h"

namespace banger::client {

Result<UniqueFd> timer_after(std::uint64_t milliseconds) {
  UniqueFd fd(::timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK));
  if (!fd) return fail_errno("timerfd");
  itimerspec when{};
  when.it_value.tv_sec = static_cast<time_t>(milliseconds / 1000);
  when.it_value.tv_nsec = static_cast<long>(milliseconds % 1000 * 1'000'000) + 1;
  if (::timerfd_settime(fd.get(), 0, &when, nullptr) < 0) return fail_errno("timerfd");
  return fd;
}

Result<Json> Connection::call(std::string_view method, const Json& params, const CallOptions& options) {
  return client_.call(method, params, options.progress, options.interrupt_fd);
}

Result<Json> Connection::call_within(std::string_view method, const Json& params, std::uint64_t milliseconds) {
  auto timer = TRY(timer_after(milliseconds));
  auto result = call(method, params, {.interrupt_fd = timer.get()});
  if (!result && result.error().code == ErrorCode::cancelled)
    return fail(ErrorCode::timeout,
                fmt::format("the daemon did not answer {} within {}", method,
                            format_duration(std::chrono::milliseconds(milliseconds))),
                "see 'banger daemon logs'");
  return result;
}

Result<Stream> Connection::open_stream(std::string_view method, const Json& params, const CallOptions& options) && {
  return std::move(client_).open_stream(method, params, options.progress, options.interrupt_fd);
}

}  // namespace banger::client

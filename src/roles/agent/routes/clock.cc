// POST /clock {"adjust_ns": N}: moves the wall clock by N (0: not at all) and answers with its new time. Unlike a time,
// a difference is right however late it arrives.
#include "roles/agent/routes/clock.h"

#include <sys/time.h>
#include <time.h>

#include <nlohmann/json.hpp>

#include "link/bounds.h"
#include "roles/agent/routes.h"

namespace banger::roles::agent {

namespace {

constexpr std::int64_t kSecond = 1'000'000'000;

Result<> adjust(std::int64_t by_ns) {
  if (by_ns == 0) return {};
  auto wanted = clock_unix_ns() + by_ns;
  timespec now{.tv_sec = wanted / kSecond, .tv_nsec = wanted % kSecond};
  if (wanted < 0 || ::clock_settime(CLOCK_REALTIME, &now) < 0) return fail_errno("set the clock");
  return {};
}

Task<Result<>> adjust_as_asked(StreamPtr stream) {
  auto body = CO_TRY(co_await stream->body(limits::kLinkJsonBytes));
  auto json = CO_TRY(parse_json(body, limits::kLinkJsonBytes));
  co_return adjust(CO_TRY(get_int(json, "adjust_ns")));
}

}  // namespace

std::int64_t clock_unix_ns() {
  timespec now{};
  ::clock_gettime(CLOCK_REALTIME, &now);
  return std::int64_t{now.tv_sec} * kSecond + now.tv_nsec;
}

Task<> clock(ContextPtr, StreamPtr stream) {
  auto adjusted = co_await adjust_as_asked(stream);
  if (adjusted)
    (void)co_await stream->reply_json(200, dump_json({{"clock_unix_ns", clock_unix_ns()}}));
  else
    (void)co_await stream->reply_error(adjusted.error());
}

}  // namespace banger::roles::agent

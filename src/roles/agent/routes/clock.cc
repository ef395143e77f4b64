// POST /clock {"adjust_ns": N}: moves the wall clock by N (0: not at all) and answers with its new time. Unlike a time,
// a difference is right however late it arrives.
#include <cstdlib>
#include <nlohmann/json.hpp>

#include "capabilities/bounds.h"
#include "link/bounds.h"
#include "roles/agent/routes.h"

namespace banger::roles::agent {

namespace {

Task<Result<>> adjust_as_asked(ContextPtr context, StreamPtr stream) {
  auto body = CO_TRY(co_await stream->body(limits::kLinkJsonBytes));
  auto json = CO_TRY(parse_json(body, limits::kLinkJsonBytes));
  auto by_ns = CO_TRY(get_int(json, "adjust_ns"));
  if (context->settling == 0 || std::abs(by_ns) > limits::kClockStepThatWaitsNs)
    co_return context->wall_clock.move(by_ns);
  context->wall_clock.move_later(by_ns);
  co_return Result<>{};
}

}  // namespace

Task<> clock(ContextPtr context, StreamPtr stream) {
  auto adjusted = co_await adjust_as_asked(context, stream);
  if (adjusted)
    (void)co_await stream->reply_json(200, dump_json({{"clock_unix_ns", context->wall_clock.unix_ns()}}));
  else
    (void)co_await stream->reply_error(adjusted.error());
}

}  // namespace banger::roles::agent

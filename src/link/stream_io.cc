#include "link/stream_io.h"

#include <fmt/format.h>

#include "base/bounds.h"
#include "link/bounds.h"

namespace banger::link {

namespace {

std::unexpected<Error> late(std::string_view what) {
  return fail(ErrorCode::timeout, "the peer took too long to " + std::string(what));
}

/// The error when nothing more can be written.
Result<> can_write(const StreamState& state) {
  if (state.broken) return std::unexpected(*state.broken);
  if (state.closed) return fail(ErrorCode::unavailable, "the peer accepts no more of the body");
  return {};
}

void push(StreamState& state, std::string bytes) {
  state.out_bytes += bytes.size();
  // Small writes share a string, because the limit counts payload bytes and not strings.
  if (!state.out.empty() && state.out.back().size() + bytes.size() <= 4 * limits::kKiB)
    state.out.back() += bytes;
  else
    state.out.push_back(std::move(bytes));
}

}  // namespace

Task<Result<std::string>> read_some(SessionPtr session, StatePtr state, host::Deadline deadline) {
  for (;;) {
    if (state->abandoned) co_return std::unexpected(*state->broken);
    if (!state->in.empty()) {
      auto bytes = std::move(state->in.front());
      state->in.pop_front();
      session->consumed(*state, bytes.size());
      co_return bytes;
    }
    if (state->in_ended) co_return std::string();
    if (state->broken) co_return std::unexpected(*state->broken);
    if (!co_await state->readable.wait(deadline)) co_return late("send its body");
  }
}

Task<Result<>> write_all(SessionPtr session, StatePtr state, std::string bytes, host::Deadline deadline) {
  if (state->out_ended) co_return fail(ErrorCode::internal, "the body was finished already");
  CO_TRY(can_write(*state));
  if (bytes.empty()) co_return Result<>();
  push(*state, std::move(bytes));
  session->resume(*state);
  while (state->out_bytes > limits::kLinkQueueBytes) {
    if (!co_await state->writable.wait(deadline)) co_return late("read the body");
    CO_TRY(can_write(*state));
  }
  co_return Result<>();
}

Task<Result<>> end_body(SessionPtr session, StatePtr state) {
  if (state->out_ended) co_return Result<>();
  CO_TRY(can_write(*state));
  state->out_ended = true;
  session->resume(*state);
  co_return Result<>();
}

Task<Result<std::string>> read_body(SessionPtr session, StatePtr state, std::size_t max_bytes, TooLarge too_large,
                                    host::Deadline deadline) {
  std::string body;
  for (;;) {
    auto part = CO_TRY(co_await read_some(session, state, deadline));
    if (part.empty()) co_return body;
    if (part.size() > max_bytes - body.size())
      co_return fail(too_large.code, fmt::format("{} is over {} bytes", too_large.what, max_bytes));
    body += part;
  }
}

}  // namespace banger::link

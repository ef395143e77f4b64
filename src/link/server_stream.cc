#include "link/server_stream.h"

#include <fmt/format.h>

#include "link/errors.h"

namespace banger::link {

ServerStreamImpl::ServerStreamImpl(std::shared_ptr<Session> session, std::shared_ptr<StreamState> state)
    : end_(std::move(session), std::move(state)) {
  method_ = header(":method").value_or("");
  if (method_ == "CONNECT") {
    target_.path = header(":authority").value_or("");
    return;
  }
  auto target = parse_target(header(":path").value_or(""));
  if (target)
    target_ = std::move(*target);
  else
    understood_ = std::unexpected(std::move(target.error()));
}

std::optional<std::string> ServerStreamImpl::query(std::string_view key) const {
  for (const auto& [name, value] : target_.query)
    if (name == key) return value;
  return std::nullopt;
}

std::optional<std::string> ServerStreamImpl::header(std::string_view name) const {
  for (const auto& header : end_.state->headers)
    if (header.name == name) return header.value;
  return std::nullopt;
}

Task<Result<>> ServerStreamImpl::write_answer(SessionPtr session, StatePtr state, std::string bytes) {
  if (!state->responded) co_return fail(ErrorCode::internal, "a response body before its head");
  co_return co_await write_all(std::move(session), std::move(state), std::move(bytes));
}

Task<Result<>> ServerStreamImpl::finish_answer(SessionPtr session, StatePtr state) {
  if (!state->responded) co_return fail(ErrorCode::internal, "a response body before its head");
  co_return co_await end_body(std::move(session), std::move(state));
}

Task<Result<>> ServerStreamImpl::send_head(SessionPtr session, StatePtr state, int status,
                                           std::vector<Header> headers) {
  co_return session->respond(*state, status, headers);
}

Task<Result<>> ServerStreamImpl::send_json(SessionPtr session, StatePtr state, int status, std::string json) {
  CO_TRY(session->respond(*state, status, {{"content-type", "application/json"}}));
  CO_TRY(co_await write_all(session, state, std::move(json)));
  co_return co_await end_body(session, state);
}

Task<Result<>> ServerStreamImpl::respond(int status, std::vector<Header> headers) {
  return send_head(end_.session, end_.state, status, std::move(headers));
}

Task<Result<std::string>> ServerStreamImpl::body(std::size_t max_bytes) {
  TooLarge too_large{.code = ErrorCode::invalid, .what = "the request's body"};
  return read_body(end_.session, end_.state, max_bytes, too_large);
}

Task<Result<>> ServerStreamImpl::reply_json(int status, std::string json) {
  return send_json(end_.session, end_.state, status, std::move(json));
}

Task<Result<>> ServerStreamImpl::reply_error(const Error& error) {
  return send_json(end_.session, end_.state, status_for(error.code), error_body(error));
}

}  // namespace banger::link

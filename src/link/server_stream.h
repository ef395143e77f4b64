// The guest end of one stream: a request and its answer.
#pragma once

#include <memory>

#include "link/link.h"
#include "link/stream_io.h"
#include "link/target.h"

namespace banger::link {

class ServerStreamImpl final : public ServerStream {
 public:
  /// REQUIRES: the head has arrived.
  ServerStreamImpl(std::shared_ptr<Session> session, std::shared_ptr<StreamState> state);
  /// The error of a request that cannot be parsed. The handler never sees such requests.
  const Result<>& understood() const { return understood_; }

  Task<Result<std::string>> read() override { return read_some(end_.session, end_.state); }
  Task<Result<>> write(std::string bytes) override { return write_answer(end_.session, end_.state, std::move(bytes)); }
  Task<Result<>> finish() override { return finish_answer(end_.session, end_.state); }
  const std::string& method() const override { return method_; }
  const std::string& path() const override { return target_.path; }
  std::optional<std::string> query(std::string_view key) const override;
  std::optional<std::string> header(std::string_view name) const override;
  Task<Result<>> respond(int status, std::vector<Header> headers) override;
  Task<Result<std::string>> body(std::size_t max_bytes) override;
  Task<Result<>> reply_json(int status, std::string json) override;
  Task<Result<>> reply_error(const Error& error) override;

 private:
  static Task<Result<>> write_answer(SessionPtr session, StatePtr state, std::string bytes);
  static Task<Result<>> finish_answer(SessionPtr session, StatePtr state);
  static Task<Result<>> send_head(SessionPtr session, StatePtr state, int status, std::vector<Header> headers);
  static Task<Result<>> send_json(SessionPtr session, StatePtr state, int status, std::string json);

  StreamEnd end_;
  std::string method_;
  Target target_;
  Result<> understood_;
};

}  // namespace banger::link

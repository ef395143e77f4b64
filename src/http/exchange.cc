#include "http/exchange.h"

#include <fmt/format.h>
#include <unistd.h>

#include <vector>

#include "base/text.h"
#include "http/request_head.h"
#include "http/response_parser.h"

namespace banger::http {

namespace {

using Stage = Fault::Stage;

std::unexpected<Fault> final_fault(Error error) { return std::unexpected(Fault::final(std::move(error))); }

Result<std::string> read_piece(const FileBody& file, std::uint64_t done) {
  std::string piece(std::min<std::uint64_t>(limits::kHttpSendBytes, file.size_bytes - done), '\0');
  auto got = ::pread(file.fd, piece.data(), piece.size(), static_cast<off_t>(file.offset + done));
  if (got < 0) return fail_errno("read the file to send");
  if (got == 0) return fail(ErrorCode::corrupt, "the file to send has become shorter");
  piece.resize(static_cast<std::size_t>(got));
  return piece;
}

/// Sends the body. An error of the file is final, and an error of the connection is not.
Task<Attempt<bool>> send_body(host::Runtime* runtime, Stream* stream, const Request* request, Patience patience) {
  auto report = [&](std::uint64_t bytes) {
    if (request->sent) request->sent(bytes);
  };
  report(0);
  if (!request->file) {
    CO_TRY(co_await stream->write(request->body, patience));
    report(request->body.size());
    co_return true;
  }
  for (std::uint64_t done = 0; done < request->file->size_bytes;) {
    auto piece = co_await runtime->blocking([&] { return read_piece(*request->file, done); });
    if (!piece) co_return final_fault(std::move(piece).error());
    CO_TRY(co_await stream->write(*piece, patience));
    done += piece->size();
    report(done);
  }
  co_return true;
}

/// Reads from the stream into the parser once.
Task<Result<>> read_some(Stream* stream, ResponseParser* parser, std::vector<char>* buffer, Patience patience) {
  auto got = CO_TRY(co_await stream->read(*buffer, patience));
  if (got == 0) co_return parser->end();
  co_return parser->feed({buffer->data(), got});
}

/// The response, from its first byte on.
class Incoming {
 public:
  Incoming(Stream& stream, const Request& request, Receiver& receiver, Patience patience)
      : stream_(stream),
        receiver_(receiver),
        patience_(patience),
        pace_(request.deadlines.pace),
        parser_(request.method == "HEAD" ? Expect::no_body : Expect::body) {
    result_.response.url = request.url;
  }

  Task<Attempt<Exchanged>> run() {
    while (!parser_.head_done()) CO_TRY(co_await read());
    result_.response.status = parser_.status();
    result_.response.headers = parser_.take_headers();
    bool wanted = result_.response.status < 300;
    if (wanted)
      if (auto begun = co_await receiver_.begin(result_.response, parser_.content_length()); !begun)
        co_return final_fault(std::move(begun).error());
    for (;;) {
      auto taken = wanted ? co_await pass_on() : keep();
      if (!taken) co_return std::unexpected(std::move(taken).error());
      if (!*taken || parser_.done()) break;
      bool all = wanted && receiver_.has_all();
      if (all) patience_ = patience_.until(host::after(limits::kHttpEndDeadline));
      auto more = co_await read();
      // Only the end of the coding is missing, and the caller checks the bytes.
      if (!more && all && more.error().error.code != ErrorCode::cancelled) break;
      if (!more) co_return std::unexpected(std::move(more).error());
    }
    auto ending = parser_.closed() ? Ending::closed : Ending::marked;
    if (wanted)
      if (auto complete = receiver_.complete(ending); !complete)
        co_return std::unexpected(Fault(std::move(complete).error(), Stage::answered));
    result_.reusable = parser_.reusable();
    co_return std::move(result_);
  }

 private:
  Task<Attempt<bool>> read() {
    auto begin = host::Clock::now();
    auto done = co_await read_some(&stream_, &parser_, &buffer_, patience_);
    if (done) done = keep_pace(host::Clock::now() - begin);
    if (!done) co_return std::unexpected(Fault(std::move(done).error(), started_ ? Stage::answered : Stage::sent));
    started_ = true;
    co_return true;
  }
  /// A byte now and then would hold a download for ever, without a stall.
  Result<> keep_pace(host::Clock::duration waited) {
    waited_ += waited;
    if (parser_.done() || waited_ < pace_) return {};
    if (taken_bytes_ < limits::kHttpPaceBytes)
      return fail(ErrorCode::timeout,
                  fmt::format("the server sent only {} in {}", format_size(taken_bytes_),
                              format_duration(std::chrono::duration_cast<std::chrono::milliseconds>(waited_))));
    waited_ = {};
    taken_bytes_ = 0;
    return {};
  }
  Task<Attempt<bool>> pass_on() {
    auto bytes = parser_.take_body();
    if (bytes.empty()) co_return true;
    taken_bytes_ += bytes.size();
    if (auto taken = co_await receiver_.piece(bytes); !taken) co_return final_fault(std::move(taken).error());
    co_return true;
  }
  /// False once the rest is not worth reading.
  Attempt<bool> keep() {
    auto& body = result_.response.body;
    body += parser_.take_body();
    if (body.size() <= limits::kErrorBodyBytes) return true;
    body.resize(limits::kErrorBodyBytes);
    return false;
  }

  Stream& stream_;
  Receiver& receiver_;
  Patience patience_;
  std::chrono::milliseconds pace_;
  ResponseParser parser_;
  std::vector<char> buffer_ = std::vector<char>(limits::kHttpReadBytes);
  bool started_ = false;
  host::Clock::duration waited_{};  ///< since the pace was last looked at
  std::uint64_t taken_bytes_ = 0;   ///< of content, in the same time
  Exchanged result_;
};

std::unexpected<Error> refused_by_proxy(int status) {
  if (status == 407)
    return fail(ErrorCode::denied, "the proxy wants a login", "set HTTPS_PROXY to http://USER:PASSWORD@HOST:PORT");
  auto code = status >= 500 ? ErrorCode::unavailable : ErrorCode::denied;
  return fail(code, fmt::format("the proxy refused the connection: {}", status_text(status)),
              "check HTTPS_PROXY, or except the host with NO_PROXY");
}

}  // namespace

Task<Attempt<Exchanged>> exchange(host::Runtime& runtime, Stream& stream, const Request& request, std::string head,
                                  Receiver& receiver, Patience patience) {
  auto sent = co_await [](Stream* to, std::string bytes, Patience until) -> Task<Attempt<bool>> {
    CO_TRY(co_await to->write(bytes, until));
    co_return true;
  }(&stream, std::move(head), patience);
  if (sent && body_bytes(request) > 0) sent = co_await send_body(&runtime, &stream, &request, patience);
  if (!sent && (!sent.error().again || sent.error().error.code == ErrorCode::timeout))
    co_return std::unexpected(std::move(sent).error());
  // A server may answer and close before it has the whole request. Its answer then says why, or an alert of TLS does.
  Incoming incoming(stream, request, receiver, patience);
  auto answer = co_await incoming.run();
  if (!sent && answer) answer->reusable = false;
  bool silent = !answer && answer.error().stage == Stage::sent && answer.error().again;
  if (!sent && silent) co_return std::unexpected(std::move(sent).error());
  co_return answer;
}

Task<Result<>> open_tunnel(Stream& stream, std::string head, Patience patience) {
  CO_TRY(co_await stream.write(head, patience));
  ResponseParser parser(Expect::tunnel);
  std::vector<char> buffer(limits::kHttpReadBytes);
  while (!parser.head_done()) CO_TRY(co_await read_some(&stream, &parser, &buffer, patience));
  if (parser.status() >= 300) co_return refused_by_proxy(parser.status());
  co_return Result<>();
}

}  // namespace banger::http

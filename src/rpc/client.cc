// The blocking client. One poll loop sends and receives at the same time, so that the two ends never wait for each
// other forever.
#include "rpc/client.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>

#include <cerrno>

#include "base/bounds.h"

namespace banger::rpc {

namespace {

std::unexpected<Error> daemon_went_away() {
  return fail(ErrorCode::unavailable, "the daemon went away", "see why with 'banger daemon logs', then try again");
}

bool gone(int error_number) { return error_number == EPIPE || error_number == ECONNRESET; }

ProgressUpdate progress_of(const Json& params) {
  ProgressUpdate update;
  update.stage = find_string(params, "stage").value_or(std::nullopt).value_or("");
  update.detail = find_string(params, "detail").value_or(std::nullopt).value_or("");
  update.percent = static_cast<int>(find_int(params, "percent").value_or(std::nullopt).value_or(-1));
  return update;
}

}  // namespace

Result<> Client::write_some(std::string_view& unsent) {
  ssize_t put = ::send(socket_.get(), unsent.data(), unsent.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  if (put >= 0)
    unsent.remove_prefix(static_cast<std::size_t>(put));
  else if (gone(errno))
    return daemon_went_away();
  else if (errno != EAGAIN && errno != EINTR)
    return fail_errno("send to the daemon");
  return {};
}

Result<> Client::read_some() {
  char buffer[16 * limits::kKiB];
  ssize_t got = ::recv(socket_.get(), buffer, sizeof buffer, MSG_DONTWAIT);
  if (got > 0)
    reader_.feed({buffer, static_cast<std::size_t>(got)});
  else if (got == 0 || gone(errno))
    return daemon_went_away();
  else if (errno != EAGAIN && errno != EINTR)
    return fail_errno("read from the daemon");
  return {};
}

// Sends `unsent` and reads what arrives meanwhile. With nothing to send, waits for bytes once.
Result<> Client::exchange(std::string_view unsent, int interrupt_fd) {
  bool sending = !unsent.empty();
  do {
    // No deadline: a call may rightly take minutes. The wait ends with an answer, the daemon's end, or an interrupt.
    pollfd fds[2] = {{socket_.get(), static_cast<short>(unsent.empty() ? POLLIN : POLLIN | POLLOUT), 0},
                     {interrupt_fd, POLLIN, 0}};
    if (::poll(fds, 2, -1) < 0 && errno != EINTR) return fail_errno("wait for the daemon");
    if (fds[1].revents) return fail(ErrorCode::cancelled, "interrupted");
    if (fds[0].revents & POLLOUT) TRY(write_some(unsent));
    if (fds[0].revents & ~POLLOUT) TRY(read_some());
  } while (sending && !unsent.empty());
  return {};
}

Result<std::int64_t> Client::send(std::string_view method, const Json& params, int interrupt_fd) {
  std::string line = TRY(encode_call(next_id_, method, params));
  if (line.size() - 1 > limits::kRpcMessageBytes)
    return fail(ErrorCode::invalid, fmt::format("the parameters of {} are larger than one message may be", method));
  auto sent = exchange(line, interrupt_fd);
  if (!sent && sent.error().code == ErrorCode::unavailable) {
    // A daemon that refuses a client sends the reason before it closes.
    auto last = next_reply(interrupt_fd);
    if (last && last->kind == Reply::Kind::error && last->id.is_null()) return std::unexpected(std::move(last->error));
  }
  TRY(std::move(sent));
  return next_id_++;
}

Result<Reply> Client::next_reply(int interrupt_fd) {
  for (;;) {
    if (auto line = TRY(reader_.next())) return parse_reply(*line);
    TRY(exchange({}, interrupt_fd));
  }
}

Result<Reply> Client::receive(int interrupt_fd) {
  if (!kept_.empty()) {
    Reply reply = std::move(kept_.front());
    kept_.pop_front();
    return reply;
  }
  Reply reply = TRY(next_reply(interrupt_fd));
  if (reply.kind == Reply::Kind::error && reply.id.is_null()) return std::unexpected(std::move(reply.error));
  return reply;
}

Result<Json> Client::call(std::string_view method, const Json& params, const OnProgress& progress, int interrupt_fd) {
  auto id = TRY(send(method, params, interrupt_fd));
  for (;;) {
    Reply reply = TRY(next_reply(interrupt_fd));
    bool about_connection = reply.kind == Reply::Kind::error && reply.id.is_null();
    if (reply.id != id && !about_connection)
      kept_.push_back(std::move(reply));
    else if (reply.kind == Reply::Kind::error)
      return std::unexpected(std::move(reply.error));
    else if (reply.kind == Reply::Kind::result)
      return std::move(reply.result);
    else if (progress)
      progress(progress_of(reply.result));
  }
}

Result<Client::RawStream> Client::open_stream(std::string_view method, const Json& params, const OnProgress& progress,
                                              int interrupt_fd) && {
  Json result = TRY(call(method, params, progress, interrupt_fd));
  return RawStream{std::move(result), std::move(socket_), reader_.take_rest()};
}

}  // namespace banger::rpc

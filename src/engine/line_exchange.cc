#include "engine/line_exchange.h"

#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "engine/bounds.h"
#include "engine/secrets/secret_text.h"
#include "host/bounds.h"
#include "host/unix_socket.h"

namespace banger::engine {

namespace {

Result<UniqueFd> connect_to(const LineServer& server) {
  auto socket = TRY(in("reach " + server.name, host::connect_unix(server.socket)));
  auto peer = TRY(host::peer_of(socket.get()));
  if (peer.uid != server.user)
    return fail(ErrorCode::denied, fmt::format("{} is served by user {} instead of {}", server.socket, peer.uid,
                                               server.user == 0 ? "root" : fmt::format("user {}", server.user)));
  return socket;
}

// On a thread of the pool: a server that does not accept or read must not hold up anything else.
Result<UniqueFd> send_to(const LineServer& server, std::string_view bytes) {
  auto socket = TRY(connect_to(server));
  timeval patience{.tv_sec = std::chrono::seconds(limits::kLineSendPatience).count(), .tv_usec = 0};
  ::setsockopt(socket.get(), SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
  auto last = host::after(limits::kLineSendPatience);
  while (!bytes.empty()) {
    bytes.remove_prefix(TRY(in(server.name, host::send_with_fds(socket.get(), bytes))));
    if (!bytes.empty() && host::Clock::now() > last)
      return fail(ErrorCode::timeout, server.name + " did not read the request in time", server.hint);
  }
  return socket;
}

}  // namespace

Task<Result<LineAnswer>> exchange_lines(host::Runtime& runtime, LineServer server, std::string request,
                                        std::size_t most_bytes, host::Deadline deadline) {
  auto sent = co_await runtime.blocking([&] { return send_to(server, request); });
  wipe(request);  // it may have the values of secrets
  auto socket = CO_TRY(std::move(sent));
  LineAnswer answer;
  while (!answer.line.ends_with('\n')) {
    if (!CO_TRY(co_await host::wait_readable(runtime, socket.get(), deadline)))
      co_return fail(ErrorCode::timeout, server.name + " did not answer in time", server.hint);
    auto more = host::receive_with_fds(socket.get(), answer.line, answer.fds, MSG_DONTWAIT);
    if (!more && more.error().code == ErrorCode::busy) continue;
    if (!CO_TRY(std::move(more)))
      co_return fail(ErrorCode::unavailable, server.name + " closed the connection without an answer", server.hint);
    if (answer.line.size() > most_bytes || answer.fds.size() > limits::kPassedFds)
      co_return fail(ErrorCode::invalid, server.name + " sent a reply that is too large");
  }
  answer.line.pop_back();
  co_return answer;
}

}  // namespace banger::engine

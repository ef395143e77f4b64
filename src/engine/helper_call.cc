#include "engine/helper_call.h"

#include <fmt/format.h>
#include <sys/socket.h>

#include <nlohmann/json.hpp>

#include "base/bounds.h"
#include "host/bounds.h"
#include "host/unix_socket.h"
#include "rpc/helper_protocol.h"

namespace banger::engine {

using capabilities::PrivilegedReply;

namespace {

Result<UniqueFd> connect_to(const HelperServer& server) {
  auto socket = TRY(in("reach " + server.name, host::connect_unix(server.socket)));
  auto peer = TRY(host::peer_of(socket.get()));
  if (peer.uid != server.user)
    return fail(ErrorCode::denied, fmt::format("{} is served by user {} instead of {}", server.socket, peer.uid,
                                               server.user == 0 ? "root" : fmt::format("user {}", server.user)));
  return socket;
}

Task<Result<PrivilegedReply>> receive_reply(host::Runtime& runtime, int socket, const HelperServer& server) {
  auto deadline = host::after(limits::kHelperReplyDeadline);
  PrivilegedReply reply;
  std::string text;
  for (;;) {
    if (!CO_TRY(co_await host::wait_readable(runtime, socket, deadline)))
      co_return fail(ErrorCode::timeout, server.name + " did not answer in time", server.hint);
    auto more = host::receive_with_fds(socket, text, reply.fds, MSG_DONTWAIT);
    if (!more && more.error().code == ErrorCode::busy) continue;
    if (!CO_TRY(std::move(more))) break;
    if (text.ends_with('\n')) break;
    if (text.size() > limits::kHelperMessageBytes || reply.fds.size() > limits::kPassedFds)
      co_return fail(ErrorCode::invalid, server.name + " sent a reply that is too large");
  }
  if (!text.ends_with('\n'))
    co_return fail(ErrorCode::unavailable, server.name + " closed the connection without an answer", server.hint);
  text.pop_back();
  reply.result = dump_json(CO_TRY(rpc::parse_helper_reply(text)));
  co_return reply;
}

}  // namespace

Task<Result<PrivilegedReply>> call_helper(host::Runtime& runtime, HelperServer server, std::string operation,
                                          std::string arguments) {
  auto parsed = CO_TRY(parse_json(arguments, limits::kHelperMessageBytes));
  auto request = rpc::encode_helper_request(operation, parsed);
  auto socket = CO_TRY(connect_to(server));
  // A request fits into the socket's buffer, so the loop does not wait.
  std::string_view unsent = request;
  while (!unsent.empty()) unsent.remove_prefix(CO_TRY(host::send_with_fds(socket.get(), unsent)));
  co_return co_await receive_reply(runtime, socket.get(), server);
}

}  // namespace banger::engine

#include "engine/privileged_client.h"

#include <fmt/format.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/bounds.h"
#include "capabilities/privileged_table.h"
#include "host/bounds.h"
#include "host/unix_socket.h"
#include "rpc/helper_protocol.h"

namespace banger::engine {

namespace {

using capabilities::PrivilegedReply;

constexpr std::string_view kInstallHint = "as root: banger system install --owner USER";

Result<UniqueFd> connect_to_root(const std::string& path) {
  auto socket = TRY(in("reach the root helper", host::connect_unix(path)));
  // Another user's server would learn our request, and could send us any descriptors.
  auto peer = TRY(host::peer_of(socket.get()));
  if (peer.uid != 0)
    return fail(ErrorCode::denied, fmt::format("{} is served by user {} instead of root", path, peer.uid));
  return socket;
}

Task<Result<PrivilegedReply>> receive_reply(host::Runtime& runtime, int socket) {
  auto deadline = host::after(limits::kHelperReplyDeadline);
  PrivilegedReply reply;
  std::string text;
  for (;;) {
    if (!CO_TRY(co_await host::wait_readable(runtime, socket, deadline)))
      co_return fail(ErrorCode::timeout, "the root helper did not answer in time", "journalctl -u bangerd-root");
    auto more = host::receive_with_fds(socket, text, reply.fds, MSG_DONTWAIT);
    if (!more && more.error().code == ErrorCode::busy) continue;
    if (!CO_TRY(std::move(more))) break;
    if (text.ends_with('\n')) break;
    if (text.size() > limits::kHelperMessageBytes || reply.fds.size() > limits::kPassedFds)
      co_return fail(ErrorCode::invalid, "the root helper's reply is too large");
  }
  if (!text.ends_with('\n'))
    co_return fail(ErrorCode::unavailable, "the root helper closed the connection without an answer",
                   "journalctl -u bangerd-root");
  text.pop_back();
  reply.result = dump_json(CO_TRY(rpc::parse_helper_reply(text)));
  co_return reply;
}

}  // namespace

PrivilegedClient::PrivilegedClient(host::Runtime& runtime, const Logger& log, const host::Paths& paths,
                                   const config::Config& config, std::string socket)
    : runtime_(runtime),
      socket_(std::move(socket)),
      table_(capabilities::privileged_table()),
      own_context_{
          ::geteuid(), ::getegid(), config.bridge_name, config.bridge_ip, config.cidr, {paths.state, paths.data}, log},
      turn_(runtime) {}

PrivilegedClient::Way PrivilegedClient::way() const {
  if (::access(socket_.c_str(), F_OK) == 0) return Way::helper;
  return ::geteuid() == 0 ? Way::in_process : Way::none;
}

Task<Result<PrivilegedReply>> PrivilegedClient::call(std::string operation, std::string arguments) {
  switch (way()) {
    case Way::helper: {
      auto parsed = CO_TRY(parse_json(arguments, limits::kHelperMessageBytes));
      co_return co_await ask_helper(rpc::encode_helper_request(operation, parsed));
    }
    case Way::in_process:
      co_return co_await do_here(std::move(operation), std::move(arguments));
    case Way::none:
      break;
  }
  co_return fail(ErrorCode::unavailable, fmt::format("{} needs the root helper, which is not installed", operation),
                 std::string(kInstallHint));
}

Task<Result<PrivilegedReply>> PrivilegedClient::ask_helper(std::string request) {
  auto socket = CO_TRY(connect_to_root(socket_));
  // A request fits into the socket's buffer, so the loop does not wait.
  std::string_view unsent = request;
  while (!unsent.empty()) unsent.remove_prefix(CO_TRY(host::send_with_fds(socket.get(), unsent)));
  co_return co_await receive_reply(runtime_, socket.get());
}

Task<Result<PrivilegedReply>> PrivilegedClient::do_here(std::string operation, std::string arguments) {
  auto parsed = CO_TRY(parse_json(arguments, limits::kHelperMessageBytes));
  auto lock = co_await turn_.lock();
  auto* found = CO_TRY(capabilities::validated(table_, own_context_, operation, parsed));
  auto effect = [found, this, parsed] { return found->effect(own_context_, parsed); };
  auto reply = co_await runtime_.blocking(effect);
  co_return in(operation, std::move(reply));
}

}  // namespace banger::engine

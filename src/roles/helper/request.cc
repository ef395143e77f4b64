#include "roles/helper/request.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/text.h"
#include "host/confine.h"
#include "host/runtime.h"
#include "roles/helper/bounds.h"
#include "rpc/helper_protocol.h"

namespace banger::roles::helper {

namespace {

using std::chrono::milliseconds;

Result<std::string> read_line(int socket, host::Deadline deadline) {
  std::string text;
  std::vector<UniqueFd> unwanted;
  for (;;) {
    auto left = std::chrono::duration_cast<milliseconds>(deadline - host::Clock::now()).count();
    pollfd waiting{socket, POLLIN, 0};
    int ready = left > 0 ? ::poll(&waiting, 1, static_cast<int>(left)) : 0;
    if (ready == 0) return fail(ErrorCode::timeout, "the request did not arrive in time");
    if (ready < 0 && errno != EINTR) return fail_errno("wait for the request");
    auto received = host::receive_with_fds(socket, text, unwanted, MSG_DONTWAIT);
    unwanted.clear();
    if (!received && received.error().code == ErrorCode::busy) continue;
    if (!TRY(std::move(received)))
      return fail(ErrorCode::invalid, text.empty() ? "the connection was closed without a request"
                                                   : "the connection was closed in the middle of the request");
    auto end = text.find('\n');
    if (std::min(end, text.size()) > limits::kHelperMessageBytes)
      return fail(ErrorCode::invalid,
                  fmt::format("the request is over the limit of {} bytes", limits::kHelperMessageBytes));
    if (end == text.npos) continue;
    if (end + 1 != text.size()) return fail(ErrorCode::invalid, "a connection may carry only one request");
    text.pop_back();
    return text;
  }
}

struct Audit {
  std::string operation = "-", arguments = "-";
};

// Keeps only the powers of this operation, and drops the powers of the helper's other operations.
Result<> confine(const capabilities::PrivilegedTable& table, const capabilities::PrivilegedOperation& operation) {
  TRY(host::keep_capabilities(operation.powers));
  bool narrower = !operation.jails && std::ranges::any_of(table, &capabilities::PrivilegedOperation::jails);
  if (!narrower) return {};
  TRY(host::forbid_new_privileges());
  return host::filter_system_calls();
}

Result<capabilities::PrivilegedReply> perform(const HandlerContext& context, int socket, Audit& audit) {
  auto line = TRY(read_line(socket, host::after(context.request_deadline)));
  auto request = TRY(rpc::parse_helper_request(line));
  audit = {printable(request.operation, limits::kHelperNameBytes),
           printable(dump_json(request.arguments), limits::kHelperAuditBytes)};
  auto* operation =
      TRY(capabilities::validated(context.table, context.privileged, request.operation, request.arguments));
  TRY(context.lock.lock(limits::kHelperDeadline));
  auto powers = confine(context.table, *operation);
  auto reply = powers ? operation->effect(context.privileged, request.arguments) : std::unexpected(powers.error());
  context.lock.unlock();
  return in(request.operation, std::move(reply));
}

std::string encode(Result<capabilities::PrivilegedReply>& reply) {
  if (!reply) return rpc::encode_helper_error(reply.error());
  auto result = reply->result.empty() ? Json::object() : Json::parse(reply->result, nullptr, false);
  if (result.is_object()) return rpc::encode_helper_result(result);
  reply = fail(ErrorCode::internal, "the result of the operation is not a JSON object");
  return rpc::encode_helper_error(reply.error());
}

Result<> send(int socket, std::string_view text, std::span<const UniqueFd> fds) {
  timeval deadline{.tv_sec = std::chrono::seconds(limits::kHelperRequestDeadline).count(), .tv_usec = 0};
  ::setsockopt(socket, SOL_SOCKET, SO_SNDTIMEO, &deadline, sizeof deadline);
  for (; !text.empty(); fds = {}) text.remove_prefix(TRY(host::send_with_fds(socket, text, fds)));
  return {};
}

}  // namespace

int handle_request(const HandlerContext& context, UniqueFd socket, const host::Peer& peer) {
  auto started = host::Clock::now();
  Audit audit;
  auto reply = perform(context, socket.get(), audit);
  auto text = encode(reply);
  auto sent = send(socket.get(), text, reply ? std::span<const UniqueFd>(reply->fds) : std::span<const UniqueFd>());
  auto took = std::chrono::duration_cast<milliseconds>(host::Clock::now() - started);
  context.privileged.log.log(reply ? LogLevel::info : LogLevel::warn, "helper.request",
                             {{"uid", std::to_string(peer.uid)},
                              {"pid", std::to_string(peer.pid)},
                              {"operation", audit.operation},
                              {"arguments", audit.arguments},
                              {"outcome", reply ? "done" : to_string(reply.error().code)},
                              {"error", reply ? "-" : reply.error().message},
                              {"replied", sent ? "yes" : "no"},
                              {"ms", std::to_string(took.count())}});
  return reply && sent ? 0 : 1;
}

}  // namespace banger::roles::helper

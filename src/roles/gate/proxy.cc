#include "roles/gate/proxy.h"

#include "net/bounds.h"
#include "roles/gate/bounds.h"
#include "roles/gate/forward_proxy.h"
#include "roles/gate/http.h"
#include "roles/gate/tls.h"

namespace banger::roles::gate {

namespace {

constexpr std::uint16_t kHttpPort = 80, kHttpsPort = 443;
constexpr char kHandshakeRecord = 0x16;  // first byte of a TLS connection (RFC 8446, section 5.1)

void note_silence(Flow& flow) {
  if (flow.said_nothing()) flow.note_refusal({.reason = egress::Reason::said_nothing});
}

// A tunnel through the host's proxy is connected before anything passes.
Task<bool> be_connected(FlowPtr flow) {
  if (flow->connected()) co_return true;
  if (!co_await flow->connect()) co_return false;
  Flow::start_answers(flow);
  co_return true;
}

// Many hosts serve TLS and HTTP on other ports too, where several names share an address as well. What is neither has
// no name. The server may speak first.
Task<> pass_unknown(FlowPtr flow) {
  if (!co_await be_connected(flow)) co_return;
  std::string first;
  auto looks = Looks::need_more;
  auto until = host::Deadline::max();
  while (looks == Looks::need_more) {
    auto more = co_await flow->read_guest(until);
    if (!more) co_return note_silence(*flow);
    if (more->empty()) break;
    first += *more;
    if (first.starts_with(kHandshakeRecord)) co_return co_await pass_tls(flow, std::move(first));
    looks = look_at(first);
    until = host::after(limits::kFirstWordsPatience);
  }
  if (looks == Looks::like_http) co_return co_await pass_http(flow, std::move(first));
  if (looks == Looks::need_more && !first.empty() && !co_await flow->write_outside(std::move(first))) co_return;
  if (looks == Looks::need_more) co_return co_await Flow::end_guest(flow);
  co_await Flow::pass_rest(flow, std::move(first));
}

void take(host::Runtime& runtime, Guests& guests, const std::optional<host::Endpoint>& proxy,
          std::unique_ptr<net::TcpStream> stream) {
  auto guest = guests.at(stream->ends().there.address);
  auto to = stream->wanted();
  bool room =
      guest && guest->passages().size() < limits::kGateConnections && guests.passages() < limits::kGateConnectionsOfAll;
  if (guest && to && !room)
    guest->note({.address = to->address, .port = to->port, .reason = egress::Reason::too_many_connections});
  if (!to || !room) {
    stream->reset_at_end();
    return;
  }
  auto flow = std::make_shared<Flow>(runtime, guest, Destination{to->address, to->port}, std::move(stream));
  runtime.spawn(to == proxy ? pass_to_proxy(std::move(flow)) : pass(std::move(flow)));
}

Task<> accept_all(host::Runtime& runtime, std::unique_ptr<net::TcpListener> listener, Guests& guests,
                  std::optional<host::Endpoint> proxy) {
  for (;;) {
    auto stream = co_await listener->accept();
    if (stream)
      take(runtime, guests, proxy, std::move(*stream));
    else if (stream.error().code == ErrorCode::cancelled)
      co_return;
    else
      co_await runtime.sleep_for(limits::kAcceptPause);
  }
}

}  // namespace

Task<> pass_by_address(FlowPtr flow) {
  if (!co_await be_connected(flow)) co_return;
  if (!flow->guest().secrets().has_port(flow->to().port)) co_return co_await Flow::pass_rest(flow, "");
  auto first = co_await flow->read_guest();
  if (!first) co_return;
  if (first->starts_with(kHandshakeRecord)) co_return co_await pass_tls(flow, std::move(*first));
  if (first->empty()) co_return co_await Flow::end_guest(flow);
  co_await Flow::pass_rest(flow, std::move(*first));
}

Task<> pass(FlowPtr flow) {
  auto to = flow->to();
  auto verdict = egress::judge_address(flow->guest().policy_for(to), flow->guest().openings(), to, now());
  if (!verdict.allowed()) {
    flow->note_refusal(verdict);
    flow->cut();
    co_return;
  }
  co_await pass_allowed(std::move(flow), std::move(verdict));
}

Task<> pass_allowed(FlowPtr flow, Verdict verdict) {
  auto port = flow->to().port;
  bool looks_inside = verdict.needs_name;
  if (looks_inside && port == kHttpsPort) co_return co_await pass_tls(flow, "");
  if (looks_inside && port == kHttpPort) co_return co_await pass_http(flow, "");
  flow->allow(verdict);
  if (looks_inside) co_return co_await pass_unknown(flow);
  co_await pass_by_address(flow);
}

Result<> serve_connections(host::Runtime& runtime, UniqueFd listening, Guests& guests,
                           std::optional<host::Endpoint> proxy) {
  auto listener = TRY(net::accept_from(runtime, std::move(listening)));
  runtime.spawn(accept_all(runtime, std::move(listener), guests, proxy));
  return {};
}

}  // namespace banger::roles::gate

#include "roles/gate/tls.h"

#include "egress/client_hello.h"
#include "egress/hello_retry.h"
#include "roles/gate/bounds.h"
#include "roles/gate/ended_tls.h"

namespace banger::roles::gate {

namespace {

using egress::HelloState;
using egress::RetryState;

// A guest whose bytes end early has sent a malformed ClientHello. `bytes` gets all that was read.
Task<HelloState> read_hello(FlowPtr flow, egress::ClientHelloParser& parser, std::string& bytes) {
  auto until = host::after(limits::kFirstWordsPatience);
  auto state = parser.feed(bytes);
  while (state == HelloState::need_more) {
    auto more = co_await flow->read_guest(until);
    if (!more || more->empty()) co_return HelloState::malformed;
    state = parser.feed(*more);
    bytes += *more;
  }
  co_return state;
}

Task<> refuse(FlowPtr flow, Verdict verdict) {
  if (flow->said_nothing()) verdict.reason = egress::Reason::said_nothing;
  if (!flow->over() || flow->said_nothing()) flow->note_refusal(verdict);
  if (flow->connected())
    flow->cut();
  else
    co_await Flow::say_and_end(flow, tls_alert(TlsAlert::access_denied));
}

// A server that has spoken before the guest does not speak TLS from the beginning.
bool has_secret(Flow& flow, HelloState state, const egress::ClientHello& hello) {
  return state == HelloState::found && hello.kind == egress::SniKind::name && !flow.answered() &&
         flow.guest().secrets().has(hello.sni, flow.to().port);
}

/// Waits until the server's first words are known.
Task<RetryState> wait_for_server(FlowPtr flow, std::shared_ptr<const egress::HelloRetryParser> parser) {
  while (!flow->over() && !flow->answers_ended() && parser->state() == RetryState::need_more) co_await flow->wait();
  flow->watch(nullptr);
  co_return parser->state();
}

}  // namespace

Task<> pass_tls(FlowPtr flow, std::string first) {
  egress::ClientHelloParser parser;
  auto state = co_await read_hello(flow, parser, first);
  auto to = flow->to();
  auto verdict =
      egress::judge_tls(flow->guest().policy_for(to), flow->guest().openings(), to, state, parser.hello(), now());
  if (!verdict.allowed()) co_return co_await refuse(flow, std::move(verdict));
  verdict.needs_name = !flow->guest().policy().allows_address(to.address, to.port);
  flow->allow(verdict);
  if (has_secret(*flow, state, parser.hello())) co_return co_await end_tls(flow, std::move(first), parser.hello());
  flow->seal();
  if (!verdict.needs_name && flow->connected()) co_return co_await Flow::pass_rest(flow, std::move(first));
  bool was_connected = flow->connected();
  if (!was_connected && !co_await flow->connect()) co_return;
  auto retry = std::make_shared<egress::HelloRetryParser>();
  flow->watch([flow = flow.get(), retry](std::string_view answer) {
    if (retry->state() == RetryState::need_more && retry->feed(answer) != RetryState::need_more) flow->wake();
  });
  if (!was_connected) Flow::start_answers(flow);
  // What follows the ClientHello waits, because it may be a second one, for another host.
  auto rest = first.substr(parser.bytes());
  first.resize(parser.bytes());
  if (!co_await flow->write_outside(std::move(first))) co_return;
  if (co_await wait_for_server(flow, retry) == RetryState::retry) {
    egress::ClientHelloParser second(egress::Flight::after_retry);
    auto second_state = co_await read_hello(flow, second, rest);
    auto again = egress::judge_second_hello(parser.hello(), second_state, second.hello());
    if (!again.allowed()) co_return co_await refuse(flow, std::move(again));
  }
  co_await Flow::pass_rest(flow, std::move(rest));
}

}  // namespace banger::roles::gate

#include "roles/gate/forward_proxy.h"

#include <fmt/format.h>

#include "roles/gate/bounds.h"
#include "roles/gate/http.h"
#include "roles/gate/proxy.h"

namespace banger::roles::gate {

namespace {

using egress::HeadState;

// False when the flow is over, or the guest says nothing.
Task<bool> read_head(FlowPtr flow, egress::HttpHeadParser& parser, std::string& bytes) {
  auto until = host::after(limits::kFirstWordsPatience);
  while (parser.state() == HeadState::need_more) {
    auto more = co_await flow->read_guest(until);
    if (!more && flow->said_nothing()) flow->note_refusal({.reason = egress::Reason::said_nothing});
    if (!more || more->empty()) co_return false;
    parser.feed(*more);
    bytes += *more;
  }
  co_return true;
}

Task<> refuse(FlowPtr flow, Verdict verdict) {
  flow->note_refusal(verdict);
  auto sentence = fmt::format("the egress policy of this VM refuses the request: {}",
                              egress::to_error(verdict, flow->to()).sentence());
  co_await Flow::say_and_end(flow, answer_of("403 Forbidden", sentence));
}

Task<> pass_tunnel(FlowPtr flow, Verdict verdict) {
  if (!co_await flow->connect()) {
    if (auto refusal = flow->take_proxy_refusal(); !refusal.empty())
      co_await Flow::say_and_end(flow, std::move(refusal));
    co_return;
  }
  if (!co_await flow->write_guest("HTTP/1.1 200 Connection established\r\n\r\n")) co_return;
  Flow::start_answers(flow);
  co_await pass_allowed(flow, std::move(verdict));
}

// The relay takes one request of each connection, so nothing that follows is another one.
Task<> pass_request(FlowPtr flow) {
  if (!co_await flow->connect()) co_return;
  Flow::start_answers(flow);
  co_await Flow::pass_rest(flow, "");
}

}  // namespace

Task<> pass_to_proxy(FlowPtr flow) {
  egress::HttpHeadParser parser;
  std::string bytes;
  if (!co_await read_head(flow, parser, bytes)) co_return;
  bool found = parser.state() == HeadState::found;
  const auto& head = parser.head();
  auto to = found ? egress::asked_of_proxy(head) : std::nullopt;
  if (!to) co_return co_await refuse(flow, {.reason = egress::Reason::not_http});
  bool tunnel = head.form == egress::TargetForm::authority;
  flow->go_through_proxy(*to, tunnel ? bytes.substr(0, parser.bytes()) : "");
  auto verdict = egress::judge_proxied(flow->guest().policy_for(*to), flow->guest().openings(), *to, head, now());
  if (!verdict.allowed()) co_return co_await refuse(flow, std::move(verdict));
  flow->allow(verdict);
  flow->put_back(tunnel ? bytes.substr(parser.bytes()) : std::move(bytes));
  if (tunnel)
    co_await pass_tunnel(std::move(flow), std::move(verdict));
  else
    co_await pass_request(std::move(flow));
}

}  // namespace banger::roles::gate

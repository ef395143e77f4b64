#include "roles/gate/http.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

#include "base/letters.h"
#include "egress/bounds.h"
#include "egress/http_body.h"
#include "egress/http_head.h"
#include "roles/gate/bounds.h"

namespace banger::roles::gate {

namespace {

using egress::BodyState;
using egress::HeadState;

constexpr std::string_view kSwitched = "HTTP/1.1 101 ";

/// The requests of one connection. `bytes_` is what was read and not passed on.
class Requests {
 public:
  Requests(FlowPtr flow, std::string first) : flow_(std::move(flow)), bytes_(std::move(first)) {}

  Task<> pass_all() {
    while (co_await pass_next()) first_ = false;
  }

 private:
  // False when no further request may come.
  Task<bool> pass_next() {
    egress::HttpHeadParser parser;
    auto state = co_await read_head(parser);
    if (!state) co_return false;
    auto verdict = judge(*state, parser.head());
    if (!verdict.allowed()) {
      co_await refuse(std::move(verdict));
      co_return false;
    }
    verdict.needs_name = !flow_->guest().policy().allows_address(flow_->to().address, flow_->to().port);
    flow_->allow(verdict);
    name_ = verdict.name;
    if (!flow_->connected() && !co_await connect()) co_return false;
    bool switches = !parser.head().upgrades.empty();
    if (switches) watch_status();
    if (!co_await flow_->write_outside(take(parser.bytes())) || !co_await pass_body(parser.head())) co_return false;
    if (!switches || !co_await has_switched()) co_return !flow_->over();
    co_await Flow::pass_rest(flow_, std::move(bytes_));
    co_return false;
  }

  // nullopt: the guest has ended its bytes between two requests, or the flow is over.
  Task<std::optional<HeadState>> read_head(egress::HttpHeadParser& parser) {
    auto state = parser.feed(bytes_);
    auto until = first_ ? host::after(limits::kFirstWordsPatience) : host::Deadline::max();
    while (state == HeadState::need_more) {
      if (!bytes_.empty()) until = std::min(until, host::after(limits::kFirstWordsPatience));
      auto more = co_await flow_->read_guest(until);
      if (!more && flow_->said_nothing()) flow_->note_refusal({.reason = egress::Reason::said_nothing});
      if (!more) co_return std::nullopt;
      if (more->empty() && bytes_.empty()) co_await Flow::end_guest(flow_);
      if (more->empty()) co_return bytes_.empty() ? std::nullopt : std::optional(HeadState::refused);
      state = parser.feed(*more);
      bytes_ += *more;
    }
    co_return state;
  }

  // The connection exists, so it matters no more how long the lookup's answer was good.
  Verdict judge(HeadState state, const egress::HttpHead& head) {
    auto to = flow_->to();
    const auto& policy = flow_->guest().policy_for(to);
    if (first_) return egress::judge_http(policy, flow_->guest().openings(), to, state, head, now());
    // Answers to earlier requests may come first, so the answer to this one could not be told.
    if (!head.upgrades.empty()) return {.reason = egress::Reason::protocol_switch, .name = head.host.name};
    egress::Openings here;
    here.open({{to.address, name_, egress::Ports({to.port, to.port}), now() + limits::kOpeningMost}}, now());
    return egress::judge_http(policy, here, to, state, head, now());
  }

  Task<> refuse(Verdict verdict) {
    if (flow_->over()) co_return;
    flow_->note_refusal(verdict);
    if (!first_ || flow_->answered()) co_return flow_->cut();
    auto body = fmt::format("banger: the egress policy of this VM refuses the request: {}\n",
                            egress::to_error(verdict, flow_->to()).sentence());
    co_await Flow::say_and_end(
        flow_, fmt::format("HTTP/1.1 403 Forbidden\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: {}\r\n"
                           "Connection: close\r\n\r\n{}",
                           body.size(), body));
  }

  Task<bool> connect() {
    if (!co_await flow_->connect()) co_return false;
    Flow::start_answers(flow_);
    co_return true;
  }

  std::string take(std::size_t size) {
    auto taken = bytes_.substr(0, size);
    bytes_.erase(0, size);
    return taken;
  }

  Task<bool> pass_body(const egress::HttpHead& head) {
    egress::HttpBodyReader body(head);
    for (;;) {
      auto size = body.feed(bytes_);
      if (!co_await flow_->write_outside(take(size))) co_return false;
      if (body.state() == BodyState::ended) co_return true;
      if (body.state() == BodyState::malformed) break;
      auto more = co_await flow_->read_guest();
      if (!more || more->empty()) break;
      bytes_ += *more;
    }
    flow_->cut();
    co_return false;
  }

  // Only the first request of a connection may ask for another protocol, so the first answer is the one to it.
  void watch_status() {
    flow_->watch([this](std::string_view answer) {
      if (status_.size() >= kSwitched.size()) return;
      status_ += answer.substr(0, kSwitched.size() - status_.size());
      if (status_.size() == kSwitched.size()) flow_->wake();
    });
  }

  Task<bool> has_switched() {
    while (!flow_->over() && !flow_->answers_ended() && status_.size() < kSwitched.size()) co_await flow_->wait();
    flow_->watch(nullptr);
    co_return !flow_->over() && status_ == kSwitched;
  }

  FlowPtr flow_;
  std::string bytes_, status_, name_;
  bool first_ = true;
};

}  // namespace

Task<> pass_http(FlowPtr flow, std::string first) {
  Requests requests(flow, std::move(first));
  co_await requests.pass_all();
  flow->watch(nullptr);
}

// Servers skip empty lines before a request (RFC 9112, section 2.2). A target begins with `/`, `*` or its scheme.
Looks look_at(std::string_view first) {
  constexpr std::string_view kScheme = "http";
  constexpr std::size_t kMethodBytes = 32;
  auto rest = first.substr(std::min(first.find_first_not_of("\r\n"), first.size()));
  auto is_method = [](char c) { return std::isalnum(static_cast<unsigned char>(c)) || c == '-' || c == '_'; };
  auto method = static_cast<std::size_t>(std::ranges::find_if_not(rest, is_method) - rest.begin());
  if (method > kMethodBytes) return Looks::different;
  if (method == rest.size()) return Looks::need_more;
  if (method == 0 || rest[method] != ' ') return Looks::different;
  auto target = lower(rest.substr(method + 1, kScheme.size()));
  if (target.starts_with('/') || target.starts_with('*') || target == kScheme) return Looks::like_http;
  return kScheme.starts_with(target) ? Looks::need_more : Looks::different;
}

}  // namespace banger::roles::gate

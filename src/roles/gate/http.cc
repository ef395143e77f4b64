#include "roles/gate/http.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

#include "base/letters.h"
#include "egress/bounds.h"
#include "egress/http_body.h"
#include "egress/http_head.h"
#include "roles/gate/bounds.h"
#include "roles/gate/secret_trouble.h"

namespace banger::roles::gate {

namespace {

using egress::BodyState;
using egress::HeadState;

constexpr std::string_view kSwitched = "HTTP/1.1 101 ";

/// The requests of one connection. `bytes_` is what was read and not passed on. `ended` is the host's name in TLS, or
/// "" without TLS.
class Requests {
 public:
  Requests(FlowPtr flow, std::string first, std::string ended = "")
      : flow_(std::move(flow)), bytes_(std::move(first)), ended_(std::move(ended)) {}

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
    auto head = take(parser.bytes());
    if (!ended_.empty() && !co_await put_secrets(head)) co_return false;
    if (ended_.empty()) allow(std::move(verdict));
    if (!flow_->connected() && !co_await connect()) co_return false;
    bool switches = !parser.head().upgrades.empty();
    if (switches) watch_status();
    if (!co_await flow_->write_outside(std::move(head)) || !co_await pass_body(parser.head())) co_return false;
    if (!switches || !co_await has_switched()) co_return !flow_->over();
    co_await Flow::pass_rest(flow_, std::move(bytes_));
    co_return false;
  }

  // nullopt: the guest has ended its bytes between two requests, or the flow is over.
  Task<std::optional<HeadState>> read_head(egress::HttpHeadParser& parser) {
    auto state = parser.feed(bytes_);
    // TLS has said something already, and many programs connect before they have a request.
    auto until = first_ && ended_.empty() ? host::after(limits::kFirstWordsPatience) : host::Deadline::max();
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
    if (!ended_.empty() && (first_ || head.upgrades.empty())) return egress::judge_inside_tls(ended_, to, state, head);
    const auto& policy = flow_->guest().policy_for(to);
    if (first_) return egress::judge_http(policy, flow_->guest().openings(), to, state, head, now());
    // Answers to earlier requests may come first, so the answer to this one could not be told.
    if (!head.upgrades.empty()) return {.reason = egress::Reason::protocol_switch, .name = head.host.name};
    egress::Openings here;
    here.open({{to.address, name_, egress::Ports({to.port, to.port}), now() + limits::kOpeningMost}}, now());
    return egress::judge_http(policy, here, to, state, head, now());
  }

  void allow(Verdict verdict) {
    verdict.needs_name = !flow_->guest().policy().allows_address(flow_->to().address, flow_->to().port);
    flow_->allow(verdict);
    name_ = verdict.name;
  }

  Task<> refuse(Verdict verdict) {
    auto answer = answer_of("403 Forbidden", fmt::format("the egress policy of this VM refuses the request: {}",
                                                         egress::to_error(verdict, flow_->to()).sentence()));
    return refuse(std::move(verdict), std::move(answer));
  }

  Task<> refuse(Verdict verdict, std::string answer) {
    if (flow_->over()) co_return;
    flow_->note_refusal(verdict);
    if (!first_ || flow_->answered()) co_return flow_->cut();
    co_await Flow::say_and_end(flow_, std::move(answer));
    // The host outside may never end by itself.
    if (flow_->connected()) flow_->cut();
  }

  // False when the request cannot go on.
  Task<bool> put_secrets(std::string& head) {
    auto to = flow_->to();
    auto made = flow_->guest().secrets().swap_head(head, ended_, to.port);
    if (auto trouble = trouble_of(made, ended_, to)) {
      const char* status = trouble->status == 431 ? "431 Request Header Fields Too Large" : "502 Bad Gateway";
      co_await refuse(std::move(trouble->verdict), answer_of(status, trouble->sentence));
      co_return false;
    }
    head = std::move(made.text);
    co_return true;
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
  std::string bytes_, ended_, status_, name_;
  bool first_ = true;
};

}  // namespace

Task<> pass_http(FlowPtr flow, std::string first) {
  Requests requests(flow, std::move(first));
  co_await requests.pass_all();
  flow->watch(nullptr);
}

Task<> pass_ended(FlowPtr flow, std::string host) {
  Requests requests(flow, "", std::move(host));
  co_await requests.pass_all();
  flow->watch(nullptr);
}

std::string answer_of(std::string_view status, std::string_view sentence) {
  return fmt::format(
      "HTTP/1.1 {}\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: {}\r\nConnection: close\r\n\r\n"
      "banger: {}\n",
      status, sentence.size() + 9, sentence);
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

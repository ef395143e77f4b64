#include "roles/gate/flow.h"

#include "roles/gate/bounds.h"

namespace banger::roles::gate {

namespace {

constexpr std::string_view kHeadEnd = "\r\n\r\n", kTunnel = "HTTP/1.1 200 ";

}  // namespace

Flow::Flow(host::Runtime& runtime, GuestPtr guest, Destination to, std::unique_ptr<net::TcpStream> stream)
    : runtime_(runtime), guest_(std::move(guest)), to_(to), inside_(std::move(stream)), changed_(runtime) {
  guest_->passages().insert(this);
}

Flow::~Flow() {
  note_bytes();
  guest_->passages().erase(this);
}

// A connection whose first words nobody has judged yet will meet the new policy.
bool Flow::is_allowed_by(const egress::Policy& policy) const {
  if (!decided_) return true;
  // The guest has to begin anew, so that the gate can end TLS.
  if (sealed_ && guest_->secrets().has(name_, to_.port)) return false;
  return by_name_ ? policy.allows(name_, to_.port) : policy.allows_address(to_.address, to_.port);
}

void Flow::cut() {
  if (over_) return;
  over_ = true;
  for (auto* side : {&inside_, &outside_}) {
    if (*side) (*side)->reset_at_end();
    side->reset();
  }
  watcher_ = nullptr;
  changed_.notify_all();
}

void Flow::allow(const Verdict& verdict) {
  bool again = decided_ && verdict.name == name_;
  if (!again) note_bytes();
  decided_ = true;
  by_name_ = verdict.needs_name || (by_name_ && !verdict.name.empty());
  name_ = verdict.name;
  if (!again)
    guest_->note({.name = name_, .address = to_.address, .port = to_.port, .reason = egress::Reason::allowed});
}

void Flow::note_refusal(const Verdict& verdict) {
  guest_->note({.name = verdict.name, .address = to_.address, .port = to_.port, .reason = verdict.reason});
}

Task<std::optional<std::string>> Flow::read_guest(host::Deadline deadline) {
  if (over_) co_return std::nullopt;
  if (!unread_.empty()) co_return std::exchange(unread_, {});
  auto bytes = co_await inside_->read(deadline);
  if (over_) co_return std::nullopt;
  if (bytes) co_return std::move(*bytes);
  said_nothing_ = bytes.error().code == ErrorCode::timeout;
  cut();
  co_return std::nullopt;
}

Task<bool> Flow::write_guest(std::string bytes) {
  if (over_) co_return false;
  auto size = bytes.size();
  auto written = co_await inside_->write(std::move(bytes));
  if (over_) co_return false;
  if (!written) cut();
  count(0, written ? size : 0);
  co_return written.has_value();
}

Task<bool> Flow::connect() {
  if (over_) co_return false;
  ++connection_;
  outside_.reset();
  early_.clear();
  auto at = proxy_ ? proxy_->at : to_;
  auto stream = co_await net::connect_tcp(runtime_, {at.address, at.port}, host::after(limits::kOutsidePatience));
  if (over_) co_return false;
  if (!stream) co_return fail_to_connect();
  outside_ = std::move(*stream);
  if (proxy_ && !proxy_->head.empty()) co_return co_await open_tunnel();
  co_return true;
}

Task<std::optional<std::string>> Flow::read_outside() {
  if (over_) co_return std::nullopt;
  auto bytes = co_await outside_->read();
  if (over_) co_return std::nullopt;
  if (bytes) co_return std::move(*bytes);
  cut();
  co_return std::nullopt;
}

bool Flow::fail_to_connect() {
  guest_->note(
      {.name = name_, .address = to_.address, .port = to_.port, .reason = egress::Reason::host_does_not_answer});
  cut();
  return false;
}

// The guest is told of the first tunnel only.
Task<bool> Flow::open_tunnel() {
  auto answer = co_await read_tunnel_answer();
  if (over_) co_return false;
  if (!answer) co_return fail_to_connect();
  auto end = answer->find(kHeadEnd) + kHeadEnd.size();
  if (answer->starts_with(kTunnel)) {
    early_ = answer->substr(end);
    co_return true;
  }
  if (connection_ > 1) co_return fail_to_connect();
  guest_->note(
      {.name = name_, .address = to_.address, .port = to_.port, .reason = egress::Reason::host_does_not_answer});
  refusal_ = std::move(*answer);
  outside_.reset();
  co_return false;
}

// A refusal ends with the connection. The relay belongs to the daemon, so its answers have one form.
Task<Result<std::string>> Flow::read_tunnel_answer() {
  auto until = host::after(limits::kTunnelPatience);
  CO_TRY(co_await outside_->write(proxy_->head, until));
  std::string answer;
  for (;;) {
    if (over_) co_return fail(ErrorCode::cancelled, "the guest is gone");
    auto bytes = CO_TRY(co_await outside_->read(until));
    answer += bytes;
    bool has_head = answer.find(kHeadEnd) != answer.npos;
    if (has_head && (bytes.empty() || answer.starts_with(kTunnel))) co_return answer;
    if (bytes.empty() || answer.size() > limits::kTunnelAnswerBytes)
      co_return fail(ErrorCode::unavailable, "the relay has no answer");
  }
}

Task<bool> Flow::write_outside(std::string bytes) {
  if (over_) co_return false;
  if (bytes.empty()) co_return true;
  auto size = bytes.size();
  auto written = co_await outside_->write(std::move(bytes));
  if (over_) co_return false;
  if (!written) cut();
  count(written ? size : 0, 0);
  co_return written.has_value();
}

Task<Result<std::string>> Flow::start_tls(Side side, certs::Session session, std::string first) {
  bool inside = side == Side::guest;
  if (!inside) first = std::exchange(early_, {});
  auto& stream = inside ? inside_ : outside_;
  auto tls = std::make_unique<TlsStream>(runtime_, std::move(stream), std::move(session),
                                         inside ? request_cut_ : answer_cut_, inside ? answer_cut_ : request_cut_);
  auto shaken =
      tls->shake(std::move(first), host::after(inside ? limits::kFirstWordsPatience : limits::kOutsidePatience));
  stream = std::move(tls);
  co_return co_await std::move(shaken);
}

Task<> Flow::end_guest(FlowPtr flow) {
  // Nothing is expected of a connection that was never made.
  if (flow->over_ || !flow->outside_) co_return;
  flow->outside_->shutdown_write();
  co_await flow->inside_->gone();
  // After the last answer both sides end in order, with bytes that are still on their way.
  if (!flow->answers_ended_) flow->cut();
}

Task<> Flow::say_and_end(FlowPtr flow, std::string bytes) {
  if (!co_await flow->write_guest(std::move(bytes))) co_return;
  flow->inside_->shutdown_write();
  // A close with unread bytes would be a reset, which takes the last word away from the guest.
  auto until = host::after(limits::kLastWordPatience);
  while (auto more = co_await flow->read_guest(until))
    if (more->empty()) co_return;
}

Task<> Flow::pass_rest(FlowPtr flow, std::string first) {
  if (!co_await flow->write_outside(std::move(first))) co_return;
  while (auto bytes = co_await flow->read_guest()) {
    if (bytes->empty()) co_return co_await end_guest(flow);
    if (!co_await flow->write_outside(std::move(*bytes))) co_return;
  }
}

void Flow::end_both(const FlowPtr& flow) {
  if (flow->over_) return;
  flow->inside_->shutdown_write();
  flow->outside_->shutdown_write();
  flow->spawn(cut_later(flow->runtime_, flow));
}

// Peers need a moment to read the last bytes, which a reset would take away.
Task<> Flow::cut_later(host::Runtime& runtime, std::weak_ptr<Flow> ending) {
  co_await runtime.sleep_for(limits::kLastWordPatience);
  if (auto flow = ending.lock()) flow->cut();
}

void Flow::start_answers(const FlowPtr& flow) { flow->runtime_.spawn(pass_answers(flow, flow->connection_)); }

Task<> Flow::pass_answers(FlowPtr flow, int connection) {
  Result<std::string> bytes(std::exchange(flow->early_, {}));
  while (flow->is_current(connection)) {
    if (bytes->empty()) bytes = co_await flow->outside_->read();
    if (!flow->is_current(connection)) co_return;
    if (!bytes) co_return co_await break_off(flow, std::move(bytes.error()));
    if (bytes->empty()) break;
    flow->answered_ = true;
    if (flow->watcher_) flow->watcher_(*bytes);
    if (!co_await flow->write_guest(std::exchange(*bytes, {}))) co_return;
  }
  if (!flow->is_current(connection)) co_return;
  flow->inside_->shutdown_write();
  flow->answers_ended_ = true;
  flow->wake();
}

Task<> Flow::break_off(FlowPtr flow, Error error) {
  bool explains = flow->last_word_ && !flow->answered_ && error.code == ErrorCode::denied;
  if (!explains || !co_await flow->write_guest(flow->last_word_(error))) co_return flow->cut();
  end_both(flow);
}

void Flow::count(std::uint64_t sent, std::uint64_t received) {
  sent_ += sent;
  received_ += received;
  if (host::Clock::now() < next_note_) return;
  note_bytes();
  next_note_ = host::after(limits::kLogPace);
}

void Flow::note_bytes() {
  if (!decided_ || sent_ + received_ == 0) return;
  guest_->note({.name = name_,
                .address = to_.address,
                .port = to_.port,
                .reason = egress::Reason::allowed,
                .sent = std::exchange(sent_, 0),
                .received = std::exchange(received_, 0),
                .begins = false});
}

}  // namespace banger::roles::gate

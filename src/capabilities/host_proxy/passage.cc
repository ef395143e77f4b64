#include "capabilities/host_proxy/passage.h"

#include <fmt/format.h>

#include "capabilities/bounds.h"
#include "egress/http_body.h"
#include "http/response_parser.h"

namespace banger::capabilities {

namespace {

using egress::BodyState;
using egress::HeadState;

// Its own words may show what the guest must not know, such as what it wants to be logged in with.
std::unexpected<Error> refused_by_proxy(int status) {
  auto what = status == 407 ? std::string("the host's proxy wants another user or password")
                            : fmt::format("the host's proxy refuses the tunnel with status {}", status);
  return fail(status == 403 ? ErrorCode::denied : ErrorCode::unavailable, std::move(what));
}

}  // namespace

ProxyPassage::ProxyPassage(host::Runtime& runtime, std::unique_ptr<net::TcpStream> guest)
    : runtime_(runtime), guest_(std::move(guest)), changed_(runtime) {}

void ProxyPassage::cut() {
  if (over_) return;
  over_ = true;
  for (auto* side : {&guest_, &proxy_}) {
    if (*side) (*side)->reset_at_end();
    side->reset();
  }
  changed_.notify_all();
}

Task<std::optional<egress::HttpHeadParser>> ProxyPassage::read_head(std::string& rest) {
  egress::HttpHeadParser parser;
  auto until = host::after(limits::kProxyHeadPatience);
  while (!over_ && parser.state() == HeadState::need_more) {
    auto bytes = co_await guest_->read(until);
    if (over_ || !bytes || bytes->empty()) co_return std::nullopt;
    parser.feed(*bytes);
    rest += *bytes;
  }
  if (over_) co_return std::nullopt;
  if (parser.state() == HeadState::found) rest.erase(0, parser.bytes());
  co_return parser;
}

Task<> ProxyPassage::say(ProxyPassagePtr passage, std::string answer) {
  if (!co_await passage->to_guest(std::move(answer))) co_return;
  passage->guest_->shutdown_write();
  // A close with unread bytes would be a reset, which takes the last word away from the guest.
  auto until = host::after(limits::kProxyLastWordPatience);
  while (!passage->over_) {
    auto more = co_await passage->guest_->read(until);
    if (!more || more->empty()) co_return;
  }
}

Task<Result<>> ProxyPassage::tunnel(ProxyPassagePtr passage, std::string head, std::string rest) {
  auto first = CO_TRY(co_await passage->open_tunnel(std::move(head)));
  if (!co_await passage->to_guest("HTTP/1.1 200 Connection established\r\n\r\n" + first)) co_return Result<>{};
  passage->runtime_.spawn(pass_answers(passage));
  if (!co_await passage->to_proxy(std::move(rest))) co_return Result<>{};
  while (auto bytes = co_await passage->from_guest()) {
    if (bytes->empty()) {
      co_await end_guest(passage);
      break;
    }
    if (!co_await passage->to_proxy(std::move(*bytes))) break;
  }
  co_return Result<>{};
}

// Returns what the server behind the proxy has said already. Until there is a tunnel, bytes of the guest would be
// further requests to the proxy, which nobody has judged.
Task<Result<std::string>> ProxyPassage::open_tunnel(std::string head) {
  auto until = host::after(limits::kProxyAnswerPatience);
  if (!co_await to_proxy(std::move(head))) co_return fail(ErrorCode::unavailable, "the host's proxy is gone");
  http::ResponseParser parser(http::Expect::tunnel);
  for (;;) {
    auto bytes = co_await proxy_->read(until);
    if (over_) co_return fail(ErrorCode::cancelled, "the guest is gone");
    if (!bytes || bytes->empty()) co_return fail(ErrorCode::unavailable, "the host's proxy does not answer");
    // One by one, because the parser does not tell where the head ends.
    for (std::size_t i = 0; i < bytes->size(); ++i) {
      CO_TRY(in("the host's proxy", parser.feed(std::string_view(*bytes).substr(i, 1))));
      if (!parser.head_done()) continue;
      if (parser.status() >= 300) co_return refused_by_proxy(parser.status());
      co_return bytes->substr(i + 1);
    }
  }
}

Task<> ProxyPassage::request(ProxyPassagePtr passage, egress::HttpHead asked, std::string head, std::string rest) {
  if (!co_await passage->to_proxy(std::move(head))) co_return;
  passage->runtime_.spawn(pass_answers(passage));
  egress::HttpBodyReader body(asked);
  for (auto bytes = std::move(rest);;) {
    auto size = body.feed(bytes);
    if (!co_await passage->to_proxy(bytes.substr(0, size))) co_return;
    if (body.state() == BodyState::ended) co_return co_await end_guest(passage);
    auto more = body.state() == BodyState::malformed ? std::nullopt : co_await passage->from_guest();
    if (!more || more->empty()) co_return passage->cut();
    bytes = std::move(*more);
  }
}

Task<bool> ProxyPassage::to_guest(std::string bytes) {
  if (over_) co_return false;
  auto written = co_await guest_->write(std::move(bytes));
  if (!written) cut();
  co_return !over_;
}

Task<bool> ProxyPassage::to_proxy(std::string bytes) {
  if (over_) co_return false;
  if (bytes.empty()) co_return true;
  auto written = co_await proxy_->write(std::move(bytes));
  if (!written) cut();
  co_return !over_;
}

Task<std::optional<std::string>> ProxyPassage::from_guest() {
  if (over_) co_return std::nullopt;
  auto bytes = co_await guest_->read();
  ++heard_;
  if (over_) co_return std::nullopt;
  if (!bytes) {
    cut();
    co_return std::nullopt;
  }
  co_return std::move(*bytes);
}

Task<> ProxyPassage::pass_answers(ProxyPassagePtr passage) {
  while (!passage->over_) {
    auto bytes = co_await passage->proxy_->read();
    if (passage->over_) co_return;
    if (!bytes) co_return passage->cut();
    if (bytes->empty()) break;
    if (!co_await passage->to_guest(std::move(*bytes))) co_return;
  }
  if (passage->over_) co_return;
  passage->guest_->shutdown_write();
  passage->answers_ended_ = true;
  // The guest may go on sending, but must not hold a connection for nothing.
  for (auto before = passage->heard_ + 1; before != passage->heard_;) {
    before = passage->heard_;
    if (!passage->guest_gone_) (void)co_await passage->changed_.wait(host::after(limits::kProxyEndPatience));
    if (passage->guest_gone_ || passage->over_) co_return;
  }
  passage->cut();
}

Task<> ProxyPassage::end_guest(ProxyPassagePtr passage) {
  if (passage->over_) co_return;
  passage->proxy_->shutdown_write();
  co_await passage->guest_->gone();
  passage->guest_gone_ = true;
  passage->changed_.notify_all();
  // After the last answer both sides end in order, with bytes that are still on their way.
  if (!passage->answers_ended_) passage->cut();
}

}  // namespace banger::capabilities

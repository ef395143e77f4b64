#include "capabilities/host_proxy/relay.h"

#include <map>
#include <set>

#include "capabilities/bounds.h"
#include "capabilities/host_proxy/passage.h"
#include "http/bounds.h"
#include "net/bounds.h"

namespace banger::capabilities {

namespace {

/// Shared by the accepting loop and all connections.
struct Serving {
  Serving(host::Runtime& r, ProxyRelayOptions o) : runtime(r), options(std::move(o)) {}
  host::Runtime& runtime;
  const ProxyRelayOptions options;
  std::unique_ptr<net::TcpListener> listener;
  std::set<ProxyPassage*> passages;
  std::map<net::Ipv4, std::size_t> connections;  ///< of each guest
};
using ServingPtr = std::shared_ptr<Serving>;

/// A connection in the lists. It leaves them when nobody passes its bytes any more.
class Listed : public ProxyPassage {
 public:
  Listed(ServingPtr serving, net::Ipv4 guest, std::unique_ptr<net::TcpStream> stream)
      : ProxyPassage(serving->runtime, std::move(stream)), serving_(std::move(serving)), of_(guest) {
    serving_->passages.insert(this);
    ++serving_->connections[of_];
  }
  ~Listed() {
    serving_->passages.erase(this);
    if (--serving_->connections[of_] == 0) serving_->connections.erase(of_);
  }

 private:
  ServingPtr serving_;
  net::Ipv4 of_;
};

net::Ipv4 ipv4_of(const http::Address& address) {
  net::Ipv4 number = 0;
  for (std::size_t i = 12; i < 16; ++i) number = number << 8 | address.bytes[i];
  return number;
}

Task<Result<std::unique_ptr<net::TcpStream>>> connect(ServingPtr serving, http::Proxy proxy) {
  auto until = host::after(limits::kProxyConnectPatience);
  auto& runtime = serving->runtime;
  auto addresses = CO_TRY(co_await http::resolve(runtime, serving->options.files, proxy.host,
                                                 {.stall = limits::kHttpStallDeadline, .whole = until}));
  std::erase_if(addresses, [](const auto& address) { return !http::is_v4(address); });
  Result<std::unique_ptr<net::TcpStream>> tried = fail(ErrorCode::unavailable, "it has no IPv4 address");
  for (std::size_t i = 0; i < addresses.size() && !tried; ++i) {
    // An address that drops packets must leave time for the others.
    auto now = host::Clock::now();
    auto share = (until - now) / static_cast<int>(addresses.size() - i);
    tried = co_await net::connect_tcp(runtime, {ipv4_of(addresses[i]), proxy.port}, now + share);
  }
  co_return tried;
}

// `denied`, `unsupported` and the others of request.h.
Task<Result<>> pass(ServingPtr serving, ProxyPassagePtr passage, egress::HttpHead head, std::string rest) {
  CO_TRY(check_for_proxy(head, serving->options.reach));
  bool tunnel = head.form == egress::TargetForm::authority;
  const auto& proxy = tunnel ? serving->options.proxies.tunnels : serving->options.proxies.requests;
  if (!proxy)
    co_return fail(ErrorCode::unsupported, tunnel ? "the host has no HTTPS_PROXY" : "the host has no HTTP_PROXY");
  auto stream = co_await connect(serving, *proxy);
  if (passage->over()) co_return Result<>{};
  // Without the proxy's address, which guests need not know.
  if (!stream)
    co_return fail(stream.error().code == ErrorCode::timeout ? ErrorCode::timeout : ErrorCode::unavailable,
                   "the host does not reach its proxy");
  passage->use_proxy(std::move(*stream));
  auto text = head_for_proxy(head, proxy->authorization);
  if (tunnel) co_return co_await ProxyPassage::tunnel(std::move(passage), std::move(text), std::move(rest));
  co_await ProxyPassage::request(std::move(passage), std::move(head), std::move(text), std::move(rest));
  co_return Result<>{};
}

Task<> serve(ServingPtr serving, ProxyPassagePtr passage) {
  std::string rest;
  auto parser = co_await passage->read_head(rest);
  if (!parser) co_return;
  Result<> done;
  if (parser->state() == egress::HeadState::found)
    done = co_await pass(serving, passage, parser->head(), std::move(rest));
  else
    done = fail(ErrorCode::invalid, std::string(egress::to_sentence(parser->fault())));
  if (!done && !passage->over()) co_await ProxyPassage::say(passage, answer_of_relay(done.error()));
}

void take(const ServingPtr& serving, std::unique_ptr<net::TcpStream> stream) {
  auto ends = stream->ends();
  auto guest = ends.there.address;
  auto found = serving->connections.find(guest);
  auto open = found == serving->connections.end() ? 0 : found->second;
  bool is_gate = guest == ends.here.address;
  bool room = serving->passages.size() < limits::kProxyConnectionsOfAll &&
              open < (is_gate ? limits::kProxyConnectionsOfGate : limits::kProxyConnections);
  if (!room || !serving->options.serves(*stream)) {
    stream->reset_at_end();
    return;
  }
  serving->runtime.spawn(serve(serving, std::make_shared<Listed>(serving, guest, std::move(stream))));
}

Task<> accept_all(ServingPtr serving) {
  while (serving->listener) {
    auto stream = co_await serving->listener->accept();
    if (stream)
      take(serving, std::move(*stream));
    else if (stream.error().code == ErrorCode::cancelled)
      co_return;
    else
      co_await serving->runtime.sleep_for(limits::kAcceptPause);
  }
}

class Relay final : public ProxyRelay {
 public:
  explicit Relay(ServingPtr serving) : serving_(std::move(serving)), endpoint_(serving_->listener->endpoint()) {}
  ~Relay() override {
    serving_->listener.reset();
    for (auto* passage : std::set(serving_->passages)) passage->cut();
  }
  host::Endpoint endpoint() const override { return endpoint_; }

 private:
  ServingPtr serving_;
  host::Endpoint endpoint_;
};

}  // namespace

Result<std::unique_ptr<ProxyRelay>> relay_to_proxy(host::Runtime& runtime, UniqueFd listening,
                                                   ProxyRelayOptions options) {
  auto serving = std::make_shared<Serving>(runtime, std::move(options));
  serving->listener = TRY(net::accept_from(runtime, std::move(listening)));
  runtime.spawn(accept_all(serving));
  return std::make_unique<Relay>(std::move(serving));
}

}  // namespace banger::capabilities

#include "net/dns_relay.h"

#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <asio.hpp>
#include <asio/experimental/as_tuple.hpp>
#include <cerrno>
#include <optional>

#include "host/files.h"
#include "net/bounds.h"
#include "net/dns_ask.h"
#include "net/dns_stream.h"
#include "net/resolv_conf.h"
#include "net/tcp.h"

namespace banger::net {

namespace {

using asio::ip::udp;
constexpr auto use_tuple = asio::experimental::as_tuple(asio::use_awaitable);

constexpr const char* kResolvConf = "/etc/resolv.conf";

Result<UniqueFd> bind_socket(int type, const host::Endpoint& where) {
  UniqueFd socket(::socket(AF_INET, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket) return fail_errno("socket");
  int on = 1;
  if (type == SOCK_STREAM) ::setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_in address{
      .sin_family = AF_INET, .sin_port = htons(where.port), .sin_addr = {htonl(where.address)}, .sin_zero = {}};
  bool bound = ::bind(socket.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0 &&
               (type != SOCK_STREAM || ::listen(socket.get(), limits::kDnsTcpConnections) == 0);
  if (!bound && errno == EADDRINUSE) return fail(ErrorCode::busy, fmt::format("{} is in use", to_string(where)));
  if (!bound) return fail_errno(fmt::format("listen on {}", to_string(where)));
  return socket;
}

/// Shared by the loops, which end when the sockets are closed.
struct Relay {
  Relay(host::Runtime& r, DnsRelayOptions o) : runtime(r), options(std::move(o)), udp_socket(r.io()) {}
  host::Runtime& runtime;
  const DnsRelayOptions options;
  udp::socket udp_socket;
  std::unique_ptr<TcpListener> listener;
  int asked = 0, connections = 0;  ///< questions on their way, open TCP connections
};
using RelayPtr = std::shared_ptr<Relay>;

struct Counted {
  explicit Counted(int& c) : count(c) { ++count; }
  ~Counted() { --count; }
  int& count;
};

// An answer that cannot be sent is lost, as datagrams are.
void send_to(const RelayPtr& relay, std::string_view answer, sockaddr_in guest) {
  if (!relay->udp_socket.is_open()) return;
  ::sendto(relay->udp_socket.native_handle(), answer.data(), answer.size(), MSG_DONTWAIT | MSG_NOSIGNAL,
           reinterpret_cast<sockaddr*>(&guest), sizeof guest);
}

Task<> relay_question(RelayPtr relay, std::string query, sockaddr_in guest) {
  Counted counted(relay->asked);
  // A guest must not choose the number that a forged answer needs.
  auto question = with_dns_number(query, random_dns_number());
  for (const auto& server : relay->options.servers()) {
    auto answer = co_await ask_dns_server(relay->runtime, server, question);
    if (!answer) continue;
    auto text = with_dns_number(*answer, dns_number_of(query));
    send_to(relay, text, guest);
    co_return;
  }
}

void answer_datagram(const RelayPtr& relay, std::string_view query, sockaddr_in guest) {
  if (!is_answered_here(query)) {
    // A guest that asks too much loses questions, as on a network that is too full.
    if (relay->asked < limits::kDnsRelayed) relay->runtime.spawn(relay_question(relay, std::string(query), guest));
    return;
  }
  std::string answer;
  answer_dns(query, relay->options.address_of, answer);
  if (!answer.empty()) send_to(relay, answer, guest);
}

Task<> answer_datagrams(RelayPtr relay) {
  std::array<char, limits::kDnsMessageBytes> buffer;
  while (relay->udp_socket.is_open()) {
    auto [error] = co_await relay->udp_socket.async_wait(udp::socket::wait_read, use_tuple);
    if (error) co_return;
    for (unsigned turn = 0; turn < limits::kDnsBatch; ++turn) {
      sockaddr_in guest{};
      socklen_t size = sizeof guest;
      auto got = ::recvfrom(relay->udp_socket.native_handle(), buffer.data(), buffer.size(), MSG_DONTWAIT | MSG_TRUNC,
                            reinterpret_cast<sockaddr*>(&guest), &size);
      if (got < 0) break;
      if (static_cast<std::size_t>(got) <= buffer.size())
        answer_datagram(relay, {buffer.data(), static_cast<std::size_t>(got)}, guest);
    }
  }
}

Task<std::optional<std::string>> answer_message(RelayPtr relay, std::string query) {
  std::string answer;
  if (is_answered_here(query)) {
    answer_dns(query, relay->options.address_of, answer);
    co_return answer.empty() ? std::nullopt : std::optional(std::move(answer));
  }
  auto question = with_dns_number(query, random_dns_number());
  for (const auto& server : relay->options.servers()) {
    auto told = co_await relay->runtime.blocking([server, question] { return ask_dns_over_tcp(server, question); });
    if (told) co_return with_dns_number(*told, dns_number_of(query));
  }
  co_return std::nullopt;
}

// One question for each connection is what resolvers do; more are answered one after the other.
Task<> answer_connection(RelayPtr relay, std::unique_ptr<TcpStream> stream) {
  Counted counted(relay->connections);
  std::string bytes;
  while (auto size = co_await read_dns_message(*stream, bytes)) {
    auto answer = co_await answer_message(relay, bytes.substr(2, *size));
    bytes.erase(0, 2 + *size);
    if (!answer || !co_await stream->write(framed_dns_message(*answer), host::after(limits::kDnsTcpIdle))) co_return;
  }
}

Task<> accept_connections(RelayPtr relay) {
  while (relay->listener) {
    auto stream = co_await relay->listener->accept();
    if (!stream && stream.error().code == ErrorCode::cancelled) co_return;
    if (!stream)
      co_await relay->runtime.sleep_for(limits::kAcceptPause);
    else if (relay->connections < limits::kDnsTcpConnections)
      relay->runtime.spawn(answer_connection(relay, std::move(*stream)));
  }
}

class RelayServer final : public DnsServer {
 public:
  RelayServer(RelayPtr relay, host::Endpoint endpoint) : relay_(std::move(relay)), endpoint_(endpoint) {}
  ~RelayServer() override {
    std::error_code ignored;
    relay_->udp_socket.close(ignored);
    relay_->listener.reset();
  }
  host::Endpoint endpoint() const override { return endpoint_; }

 private:
  RelayPtr relay_;
  host::Endpoint endpoint_;
};

}  // namespace

Result<DnsSockets> open_dns_sockets(const host::Endpoint& where) {
  return DnsSockets{.udp = TRY(bind_socket(SOCK_DGRAM, where)), .tcp = TRY(bind_socket(SOCK_STREAM, where))};
}

bool is_answered_here(std::string_view query) {
  auto question = dns_question_of(query);
  std::string_view last;
  for (std::size_t at = 0; at < question.size() && question[at] != 0;) {
    auto size = static_cast<unsigned char>(question[at]);
    last = std::string_view(question).substr(at + 1, size);
    at += size + 1u;
  }
  // A malformed question has no answer elsewhere.
  return question.empty() || last == "vm";
}

std::vector<host::Endpoint> host_name_servers() {
  std::vector<host::Endpoint> servers;
  auto conf = parse_resolv_conf(host::read_file(kResolvConf, limits::kResolvConfBytes).value_or(""));
  for (const auto& server : conf.servers)
    if (auto address = host::parse_ipv4(server); address && servers.size() < limits::kDnsServers)
      servers.push_back({*address, limits::kDnsPort});
  if (servers.empty()) servers.push_back({INADDR_LOOPBACK, limits::kDnsPort});
  return servers;
}

Result<std::unique_ptr<DnsServer>> relay_dns(host::Runtime& runtime, DnsSockets sockets, DnsRelayOptions options) {
  auto relay = std::make_shared<Relay>(runtime, std::move(options));
  std::error_code error;
  relay->udp_socket.assign(udp::v4(), sockets.udp.get(), error);
  if (error) return fail_errno("use a socket for DNS", error.value());
  sockets.udp.release();
  relay->listener = TRY(accept_from(runtime, std::move(sockets.tcp)));
  auto endpoint = relay->listener->endpoint();
  runtime.spawn(answer_datagrams(relay));
  runtime.spawn(accept_connections(relay));
  return std::make_unique<RelayServer>(relay, endpoint);
}

}  // namespace banger::net

#include "net/dns_service.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <asio.hpp>
#include <asio/experimental/as_tuple.hpp>
#include <map>

#include "net/bound_socket.h"
#include "net/bounds.h"
#include "net/dns_stream.h"
#include "net/tcp.h"

namespace banger::net {

namespace {

using asio::ip::udp;
constexpr auto use_tuple = asio::experimental::as_tuple(asio::use_awaitable);

/// Questions on their way, and open TCP connections.
struct Load {
  int asked = 0, connections = 0;
  bool operator==(const Load&) const = default;
};

/// Shared by the loops, which end when the sockets are closed.
struct Service {
  Service(host::Runtime& r, DnsAnswerer a) : runtime(r), answerer(std::move(a)), udp_socket(r.io()) {}
  host::Runtime& runtime;
  DnsAnswerer answerer;  ///< empty once the server is gone
  udp::socket udp_socket;
  std::unique_ptr<TcpListener> listener;
  Load all;
  std::map<host::Ipv4, Load> of;  ///< by who asks; without entries of nothing
};
using ServicePtr = std::shared_ptr<Service>;

/// Counts one question or connection for as long as it exists.
class Counted {
 public:
  Counted(ServicePtr service, host::Ipv4 from, int Load::* what)
      : service_(std::move(service)), from_(from), what_(what) {
    ++(service_->all.*what_);
    ++(service_->of[from_].*what_);
  }
  ~Counted() {
    --(service_->all.*what_);
    auto load = service_->of.find(from_);
    --(load->second.*what_);
    if (load->second == Load{}) service_->of.erase(load);
  }
  Counted(const Counted&) = delete;
  Counted& operator=(const Counted&) = delete;

 private:
  ServicePtr service_;
  host::Ipv4 from_;
  int Load::* what_;
};

// Nobody takes more than its part, so that others are answered.
bool has_room(const Service& service, host::Ipv4 from, int Load::* what, int most) {
  auto load = service.of.find(from);
  return service.all.*what < most && (load == service.of.end() || load->second.*what < most / limits::kDnsParts);
}

Task<std::optional<std::string>> answer_to(ServicePtr service, std::string query, host::Ipv4 from, DnsCarrier carrier) {
  if (!service->answerer) co_return std::nullopt;
  co_return co_await service->answerer(std::move(query), from, carrier);
}

Task<> answer_datagram(ServicePtr service, std::string query, sockaddr_in from) {
  auto address = ntohl(from.sin_addr.s_addr);
  Counted counted(service, address, &Load::asked);
  auto answer = co_await answer_to(service, std::move(query), address, DnsCarrier::udp);
  // An answer that cannot be sent is lost, as datagrams are.
  if (answer && service->udp_socket.is_open())
    ::sendto(service->udp_socket.native_handle(), answer->data(), answer->size(), MSG_DONTWAIT | MSG_NOSIGNAL,
             reinterpret_cast<sockaddr*>(&from), sizeof from);
}

Task<> answer_datagrams(ServicePtr service) {
  std::array<char, limits::kDnsMessageBytes> buffer;
  while (service->udp_socket.is_open()) {
    auto [error] = co_await service->udp_socket.async_wait(udp::socket::wait_read, use_tuple);
    if (error) co_return;
    for (unsigned turn = 0; turn < limits::kDnsBatch; ++turn) {
      sockaddr_in from{};
      socklen_t size = sizeof from;
      auto got = ::recvfrom(service->udp_socket.native_handle(), buffer.data(), buffer.size(), MSG_DONTWAIT | MSG_TRUNC,
                            reinterpret_cast<sockaddr*>(&from), &size);
      if (got < 0) break;
      auto bytes = static_cast<std::size_t>(got);
      if (bytes <= buffer.size() && has_room(*service, ntohl(from.sin_addr.s_addr), &Load::asked, limits::kDnsRelayed))
        service->runtime.spawn(answer_datagram(service, {buffer.data(), bytes}, from));
    }
  }
}

// One question for each connection is what resolvers do; more are answered one after the other.
Task<> answer_connection(ServicePtr service, std::unique_ptr<TcpStream> stream) {
  auto from = stream->ends().there.address;
  Counted counted(service, from, &Load::connections);
  std::string bytes;
  while (auto size = co_await read_dns_message(*stream, bytes)) {
    auto answer = co_await answer_to(service, bytes.substr(2, *size), from, DnsCarrier::tcp);
    bytes.erase(0, 2 + *size);
    if (!answer || !service->answerer ||
        !co_await stream->write(framed_dns_message(*answer), host::after(limits::kDnsTcpIdle)))
      co_return;
  }
}

Task<> accept_connections(ServicePtr service) {
  while (service->listener) {
    auto stream = co_await service->listener->accept();
    if (!stream && stream.error().code == ErrorCode::cancelled) co_return;
    if (!stream)
      co_await service->runtime.sleep_for(limits::kAcceptPause);
    else if (has_room(*service, (*stream)->ends().there.address, &Load::connections, limits::kDnsTcpConnections))
      service->runtime.spawn(answer_connection(service, std::move(*stream)));
  }
}

class Server final : public DnsServer {
 public:
  Server(ServicePtr service, host::Endpoint endpoint) : service_(std::move(service)), endpoint_(endpoint) {}
  ~Server() override {
    std::error_code ignored;
    service_->udp_socket.close(ignored);
    service_->listener.reset();
    service_->answerer = nullptr;
  }
  host::Endpoint endpoint() const override { return endpoint_; }

 private:
  ServicePtr service_;
  host::Endpoint endpoint_;
};

}  // namespace

Result<DnsSockets> open_dns_sockets(const host::Endpoint& where) {
  return DnsSockets{.udp = TRY(bound_socket(SOCK_DGRAM, where, 0)),
                    .tcp = TRY(bound_socket(SOCK_STREAM, where, limits::kDnsTcpConnections))};
}

Result<std::unique_ptr<DnsServer>> answer_dns_on(host::Runtime& runtime, DnsSockets sockets, DnsAnswerer answerer) {
  auto service = std::make_shared<Service>(runtime, std::move(answerer));
  std::error_code error;
  service->udp_socket.assign(udp::v4(), sockets.udp.get(), error);
  if (error) return fail_errno("use a socket for DNS", error.value());
  sockets.udp.release();
  service->listener = TRY(accept_from(runtime, std::move(sockets.tcp)));
  auto endpoint = service->listener->endpoint();
  runtime.spawn(answer_datagrams(service));
  runtime.spawn(accept_connections(service));
  return std::make_unique<Server>(service, endpoint);
}

}  // namespace banger::net

#include "net/dns_server.h"

#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <asio.hpp>
#include <asio/experimental/as_tuple.hpp>

#include "net/bounds.h"
#include "net/dns_stream.h"
#include "net/tcp.h"

namespace banger::net {

namespace {

using asio::ip::udp;
constexpr auto use_tuple = asio::experimental::as_tuple(asio::use_awaitable);

/// Receives and sends datagrams in batches (recvmmsg(2), sendmmsg(2)), and owns the memory for one batch.
class Batch {
 public:
  Batch() {
    for (unsigned i = 0; i < limits::kDnsBatch; ++i) {
      in_[i] = {queries_[i].data(), queries_[i].size()};
      received_[i].msg_hdr = {.msg_name = &peers_[i], .msg_iov = &in_[i], .msg_iovlen = 1};
    }
  }

  /// Answers one batch. Returns how many datagrams were received. An answer that cannot be sent is lost, as datagrams
  /// are.
  unsigned turn(int socket, const AddressOf& address_of) {
    for (auto& each : received_) each.msg_hdr.msg_namelen = sizeof(sockaddr_in);
    int got = ::recvmmsg(socket, received_.data(), limits::kDnsBatch, MSG_DONTWAIT, nullptr);
    if (got <= 0) return 0;
    unsigned wanted = 0;
    for (unsigned i = 0; i < static_cast<unsigned>(got); ++i) {
      const auto& message = received_[i];
      if (message.msg_hdr.msg_flags & MSG_TRUNC) continue;
      answer_dns({queries_[i].data(), message.msg_len}, address_of, answers_[wanted]);
      if (answers_[wanted].empty()) continue;
      out_[wanted] = {answers_[wanted].data(), answers_[wanted].size()};
      sent_[wanted].msg_hdr = {
          .msg_name = &peers_[i], .msg_namelen = sizeof(sockaddr_in), .msg_iov = &out_[wanted], .msg_iovlen = 1};
      ++wanted;
    }
    for (unsigned done = 0; done < wanted;) {
      int put = ::sendmmsg(socket, &sent_[done], wanted - done, MSG_DONTWAIT | MSG_NOSIGNAL);
      done += put > 0 ? static_cast<unsigned>(put) : 1;
    }
    return static_cast<unsigned>(got);
  }

 private:
  template <class T>
  using Each = std::array<T, limits::kDnsBatch>;
  Each<std::array<char, limits::kDnsMessageBytes>> queries_;
  Each<std::string> answers_;
  Each<sockaddr_in> peers_{};
  Each<iovec> in_{}, out_{};
  Each<mmsghdr> received_{}, sent_{};
};

/// Shared by the loops, which end when the sockets are closed.
struct Serving {
  Serving(host::Runtime& r, AddressOf f) : runtime(r), address_of(std::move(f)), udp_socket(r.io()) {}
  host::Runtime& runtime;
  const AddressOf address_of;
  udp::socket udp_socket;
  std::unique_ptr<TcpListener> listener;
  int connections = 0;
  Batch batch;
};
using ServingPtr = std::shared_ptr<Serving>;

Task<> answer_datagrams(ServingPtr s) {
  while (s->udp_socket.is_open()) {
    auto [error] = co_await s->udp_socket.async_wait(udp::socket::wait_read, use_tuple);
    if (error) co_return;
    for (int i = 0; i < limits::kDnsBatchesInRow &&
                    s->batch.turn(s->udp_socket.native_handle(), s->address_of) == limits::kDnsBatch;
         ++i) {
    }
  }
}

Task<> answer_connection(ServingPtr s, std::unique_ptr<TcpStream> stream) {
  struct Counted {
    explicit Counted(int& c) : count(c) { ++count; }
    ~Counted() { --count; }
    int& count;
  } counted(s->connections);
  std::string bytes, answer;
  while (auto size = co_await read_dns_message(*stream, bytes)) {
    answer_dns(std::string_view(bytes).substr(2, *size), s->address_of, answer);
    bytes.erase(0, 2 + *size);
    if (answer.empty()) co_return;
    if (!co_await stream->write(framed_dns_message(answer), host::after(limits::kDnsTcpIdle))) co_return;
  }
}

Task<> accept_connections(ServingPtr s) {
  while (s->listener) {
    auto stream = co_await s->listener->accept();
    if (!stream && stream.error().code == ErrorCode::cancelled) co_return;
    if (!stream)
      co_await s->runtime.sleep_for(limits::kAcceptPause);
    else if (s->connections < limits::kDnsTcpConnections)
      s->runtime.spawn(answer_connection(s, std::move(*stream)));
  }
}

class Server : public DnsServer {
 public:
  Server(ServingPtr serving, host::Endpoint endpoint) : serving_(std::move(serving)), endpoint_(endpoint) {}
  ~Server() override {
    std::error_code ignored;
    serving_->udp_socket.close(ignored);
    serving_->listener.reset();
  }
  host::Endpoint endpoint() const override { return endpoint_; }

 private:
  ServingPtr serving_;
  host::Endpoint endpoint_;
};

}  // namespace

Result<std::unique_ptr<DnsServer>> serve_dns(host::Runtime& runtime, const host::Endpoint& where,
                                             AddressOf address_of) {
  auto serving = std::make_shared<Serving>(runtime, std::move(address_of));
  serving->listener = TRY(listen_tcp(runtime, where));
  auto endpoint = serving->listener->endpoint();
  std::error_code error;
  serving->udp_socket.open(udp::v4(), error);
  if (!error) serving->udp_socket.bind(udp::endpoint(asio::ip::address_v4(endpoint.address), endpoint.port), error);
  if (error.value() == EADDRINUSE)
    return fail(ErrorCode::busy, fmt::format("{} is in use on this host", to_string(endpoint)));
  if (error) return fail_errno(fmt::format("listen on {}", to_string(endpoint)), error.value());
  runtime.spawn(answer_datagrams(serving));
  runtime.spawn(accept_connections(serving));
  return std::make_unique<Server>(serving, endpoint);
}

}  // namespace banger::net

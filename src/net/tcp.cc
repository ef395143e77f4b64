#include "net/tcp.h"

#include <fmt/format.h>
#include <linux/netfilter_ipv4.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <asio.hpp>
#include <asio/experimental/as_tuple.hpp>

#include "net/bounds.h"
#include "net/peer.h"

namespace banger::net {

namespace {

using asio::ip::tcp;
constexpr auto use_tuple = asio::experimental::as_tuple(asio::use_awaitable);

using Socket = std::shared_ptr<tcp::socket>;

void close(tcp::socket& socket) {
  std::error_code ignored;
  socket.close(ignored);
}

std::unexpected<Error> broken(std::error_code error, bool in_time) {
  if (!in_time) return fail(ErrorCode::timeout, "the other end took too long");
  if (error == asio::error::operation_aborted) return fail(ErrorCode::cancelled, "the connection was closed");
  return fail_errno("the connection broke", error.value());
}

/// Closes the socket at the deadline, which ends the pending wait.
class Timer {
 public:
  Timer(Socket socket, host::Deadline deadline) {
    if (deadline == host::Deadline::max()) return;
    timer_ = std::make_shared<asio::steady_timer>(socket->get_executor(), deadline);
    timer_->async_wait([socket](std::error_code cancelled) {
      if (!cancelled) close(*socket);
    });
  }
  /// True when the deadline has not passed.
  bool stop() { return !timer_ || timer_->cancel() > 0; }

 private:
  std::shared_ptr<asio::steady_timer> timer_;
};

Task<Result<std::string>> read_from(Socket socket, host::Deadline deadline) {
  // Most waits are long, so no buffer is held while waiting.
  for (;;) {
    Timer timer(socket, deadline);
    auto [error] = co_await socket->async_wait(tcp::socket::wait_read, use_tuple);
    if (bool in_time = timer.stop(); error || !in_time) co_return broken(error, in_time);
    std::error_code failed;
    std::string bytes(std::clamp<std::size_t>(socket->available(failed), 1, limits::kTcpReadBytes), '\0');
    bytes.resize(socket->read_some(asio::buffer(bytes), failed));
    if (failed == asio::error::would_block) continue;
    if (failed && failed != asio::error::eof) co_return broken(failed, true);
    co_return bytes;
  }
}

Task<Result<>> write_to(Socket socket, std::string bytes, host::Deadline deadline) {
  Timer timer(socket, deadline);
  auto [error, put] = co_await asio::async_write(*socket, asio::buffer(bytes), use_tuple);
  if (bool in_time = timer.stop(); error || !in_time) co_return broken(error, in_time);
  co_return Result<>();
}

Task<> peer_gone(Socket socket) { co_await socket->async_wait(tcp::socket::wait_error, use_tuple); }

std::optional<host::Endpoint> original_destination(int socket) {
  sockaddr_in address{};
  socklen_t size = sizeof address;
  if (::getsockopt(socket, SOL_IP, SO_ORIGINAL_DST, &address, &size) < 0) return std::nullopt;
  return host::Endpoint{ntohl(address.sin_addr.s_addr), ntohs(address.sin_port)};
}

class Stream : public TcpStream {
 public:
  explicit Stream(Socket socket) : socket_(std::move(socket)) {}
  ~Stream() override { close(*socket_); }
  Task<Result<std::string>> read(host::Deadline deadline) override { return read_from(socket_, deadline); }
  Task<Result<>> write(std::string bytes, host::Deadline deadline) override {
    return write_to(socket_, std::move(bytes), deadline);
  }
  void shutdown_write() override {
    std::error_code ignored;
    socket_->shutdown(tcp::socket::shutdown_send, ignored);
  }
  Task<> gone() override { return peer_gone(socket_); }
  void reset_at_end() override { reset_at_close(socket_->native_handle()); }
  bool is_from(uid_t owner) const override { return is_peer_of(socket_->native_handle(), owner); }
  TcpEnds ends() const override { return ends_of(socket_->native_handle()).value_or(TcpEnds{}); }
  std::optional<host::Endpoint> wanted() const override { return original_destination(socket_->native_handle()); }

 private:
  Socket socket_;  // shared with pending operations
};

std::unique_ptr<TcpStream> stream_of(Socket socket) {
  std::error_code ignored;
  socket->set_option(tcp::no_delay(true), ignored);
  socket->non_blocking(true, ignored);
  keep_alive(socket->native_handle());
  return std::make_unique<Stream>(std::move(socket));
}

using Acceptor = std::shared_ptr<tcp::acceptor>;

Task<Result<std::unique_ptr<TcpStream>>> accept_from(Acceptor acceptor) {
  auto [error, socket] = co_await acceptor->async_accept(use_tuple);
  if (error) co_return broken(error, true);
  co_return stream_of(std::make_shared<tcp::socket>(std::move(socket)));
}

class Listener : public TcpListener {
 public:
  Listener(Acceptor acceptor, host::Endpoint endpoint) : acceptor_(std::move(acceptor)), endpoint_(endpoint) {}
  ~Listener() override {
    std::error_code ignored;
    acceptor_->close(ignored);
  }
  host::Endpoint endpoint() const override { return endpoint_; }
  Task<Result<std::unique_ptr<TcpStream>>> accept() override { return accept_from(acceptor_); }

 private:
  Acceptor acceptor_;
  host::Endpoint endpoint_;
};

}  // namespace

void keep_alive(int socket) {
  auto set = [socket](int level, int option, int value) { ::setsockopt(socket, level, option, &value, sizeof value); };
  set(IPPROTO_TCP, TCP_KEEPIDLE, limits::kKeepAliveIdleSeconds);
  set(IPPROTO_TCP, TCP_KEEPINTVL, limits::kKeepAliveIntervalSeconds);
  set(IPPROTO_TCP, TCP_KEEPCNT, limits::kKeepAliveQuestions);
  set(SOL_SOCKET, SO_KEEPALIVE, 1);
}

void reset_at_close(int socket) {
  linger now{.l_onoff = 1, .l_linger = 0};
  ::setsockopt(socket, SOL_SOCKET, SO_LINGER, &now, sizeof now);
}

// The kernel gives a datagram to one of its own addresses that address as its source.
bool is_own_address(host::Ipv4 address) {
  UniqueFd socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  sockaddr_in there{.sin_family = AF_INET, .sin_port = htons(1), .sin_addr = {htonl(address)}, .sin_zero = {}}, here{};
  socklen_t size = sizeof here;
  return socket && ::connect(socket.get(), reinterpret_cast<sockaddr*>(&there), sizeof there) == 0 &&
         ::getsockname(socket.get(), reinterpret_cast<sockaddr*>(&here), &size) == 0 &&
         here.sin_addr.s_addr == there.sin_addr.s_addr;
}

Task<Result<std::unique_ptr<TcpStream>>> connect_tcp(host::Runtime& runtime, host::Endpoint where,
                                                     host::Deadline deadline) {
  auto socket = std::make_shared<tcp::socket>(runtime.io());
  Timer timer(socket, deadline);
  auto [error] = co_await socket->async_connect({asio::ip::address_v4(where.address), where.port}, use_tuple);
  if (bool in_time = timer.stop(); error || !in_time)
    co_return error&& in_time ? fail_errno(fmt::format("connect to {}", to_string(where)), error.value())
                              : broken(error, in_time);
  co_return stream_of(std::move(socket));
}

Result<std::unique_ptr<TcpListener>> accept_from(host::Runtime& runtime, UniqueFd listening) {
  auto acceptor = std::make_shared<tcp::acceptor>(runtime.io());
  std::error_code error;
  acceptor->assign(tcp::v4(), listening.get(), error);
  if (error) return fail_errno("use a listening socket", error.value());
  listening.release();
  auto where = acceptor->local_endpoint(error);
  return std::make_unique<Listener>(acceptor, host::Endpoint{where.address().to_v4().to_uint(), where.port()});
}

Result<std::unique_ptr<TcpListener>> listen_tcp(host::Runtime& runtime, const host::Endpoint& where) {
  auto acceptor = std::make_shared<tcp::acceptor>(runtime.io());
  std::error_code error;
  acceptor->open(tcp::v4(), error);
  // Old connections of an earlier listener do not prevent this one. Another listener on the port does.
  if (!error) acceptor->set_option(tcp::acceptor::reuse_address(true), error);
  if (!error) acceptor->bind(tcp::endpoint(asio::ip::address_v4(where.address), where.port), error);
  if (!error) acceptor->listen(asio::socket_base::max_listen_connections, error);
  if (error.value() == EADDRINUSE)
    return fail(ErrorCode::busy, fmt::format("{} is in use on this host", to_string(where)));
  if (error) return fail_errno(fmt::format("listen on {}", to_string(where)), error.value());
  return std::make_unique<Listener>(acceptor, host::Endpoint{where.address, acceptor->local_endpoint(error).port()});
}

}  // namespace banger::net

// Connecting to one of several addresses, in turn.
#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <cstring>

#include "http/stream.h"

namespace banger::http {

namespace {

std::unexpected<Error> cannot(const Address& address, std::uint16_t port, int number) {
  auto hint = number == ECONNREFUSED ? "is the server running, and is the port right?" : "";
  return fail(ErrorCode::unavailable,
              fmt::format("connect to {} port {}: {}", to_string(address), port, std::strerror(number)), hint);
}

int start(int socket, const Address& address, std::uint16_t port) {
  if (is_v4(address)) {
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(port);
    std::memcpy(&to.sin_addr, address.bytes.data() + 12, 4);
    return ::connect(socket, reinterpret_cast<sockaddr*>(&to), sizeof to);
  }
  sockaddr_in6 to{};
  to.sin6_family = AF_INET6;
  to.sin6_port = htons(port);
  std::memcpy(&to.sin6_addr, address.bytes.data(), address.bytes.size());
  return ::connect(socket, reinterpret_cast<sockaddr*>(&to), sizeof to);
}

int error_of(int socket) {
  int number = 0;
  socklen_t size = sizeof number;
  return ::getsockopt(socket, SOL_SOCKET, SO_ERROR, &number, &size) == 0 ? number : errno;
}

Task<Result<Stream>> connect_one(host::Runtime* runtime, Address address, std::uint16_t port, Patience patience) {
  UniqueFd socket(::socket(is_v4(address) ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket) co_return cannot(address, port, errno);
  int fd = socket.get(), on = 1;
  // A request is written at once, so it needs no delay for more bytes.
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (start(fd, address, port) != 0 && errno != EINPROGRESS) co_return cannot(address, port, errno);
  Stream stream(*runtime, std::move(socket), address);
  if (auto ready = co_await stream.writable(patience); !ready) {
    if (ready.error().code != ErrorCode::timeout) co_return std::unexpected(std::move(ready).error());
    co_return fail(ErrorCode::timeout, fmt::format("connect to {} port {}: no answer", to_string(address), port));
  }
  if (int number = error_of(fd)) co_return cannot(address, port, number);
  co_return stream;
}

}  // namespace

Task<Result<Stream>> connect(host::Runtime& runtime, std::vector<Address> addresses, std::uint16_t port,
                             Patience patience) {
  Result<Stream> tried = fail(ErrorCode::unavailable, "the host name has no address");
  for (std::size_t i = 0; i < addresses.size(); ++i) {
    // An address that drops packets must leave time for the others.
    auto now = host::Clock::now();
    auto share = (patience.whole - now) / static_cast<int>(addresses.size() - i);
    tried = co_await connect_one(&runtime, addresses[i], port, patience.until(now + share));
    if (tried || tried.error().code == ErrorCode::cancelled) break;
  }
  co_return tried;
}

}  // namespace banger::http

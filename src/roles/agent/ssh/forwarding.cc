#include "roles/agent/ssh/forwarding.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>

#include "base/text.h"
#include "host/files.h"
#include "roles/agent/address.h"
#include "roles/agent/bounds.h"

namespace banger::roles::agent::ssh {

namespace {

struct Address {
  sockaddr_storage storage{};
  socklen_t size = 0;
  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
};

Address address_of(const std::string& text, std::uint16_t port) {
  Address address;
  auto* four = reinterpret_cast<sockaddr_in*>(&address.storage);
  auto* six = reinterpret_cast<sockaddr_in6*>(&address.storage);
  if (::inet_pton(AF_INET, text.c_str(), &four->sin_addr) == 1) {
    four->sin_family = AF_INET;
    four->sin_port = htons(port);
    address.size = sizeof *four;
  } else if (::inet_pton(AF_INET6, text.c_str(), &six->sin6_addr) == 1) {
    six->sin6_family = AF_INET6;
    six->sin6_port = htons(port);
    address.size = sizeof *six;
  }
  return address;
}

UniqueFd make_socket(int family) { return UniqueFd(::socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)); }

// A refusal comes at once from a server on this host. A connection that takes longer goes on by itself.
int result_of(int socket) {
  pollfd done{socket, POLLOUT, 0};
  if (::poll(&done, 1, static_cast<int>(limits::kSshConnectPatience.count())) <= 0) return 0;
  int error = 0;
  socklen_t size = sizeof error;
  ::getsockopt(socket, SOL_SOCKET, SO_ERROR, &error, &size);
  return error;
}

void send_at_once(int socket) {
  int on = 1;
  (void)::setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

}  // namespace

Result<UniqueFd> connect_to(const std::string& host, std::uint16_t port) {
  auto hosts = host::read_file("/etc/hosts", limits::kHostsFileBytes).value_or("");
  int last = EADDRNOTAVAIL;
  for (const auto& text : TRY(addresses_of(host, hosts))) {
    auto address = address_of(text, port);
    auto socket = make_socket(address.get()->sa_family);
    if (!socket) continue;
    send_at_once(socket.get());
    last = ::connect(socket.get(), address.get(), address.size) == 0 ? 0 : errno;
    if (last == EINPROGRESS) last = result_of(socket.get());
    if (last == 0) return socket;
  }
  return fail_errno(fmt::format("connect to {} port {}", printable(host), port), last);
}

Result<Listener> listen_on(std::string address, std::uint16_t port) {
  auto socket = make_socket(AF_INET);
  auto local = address_of("127.0.0.1", port);
  int on = 1;
  if (!socket || ::setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) < 0 ||
      ::bind(socket.get(), local.get(), local.size) < 0 || ::listen(socket.get(), limits::kSshBacklog) < 0 ||
      ::getsockname(socket.get(), reinterpret_cast<sockaddr*>(&local.storage), &local.size) < 0)
    return fail_errno(fmt::format("listen on port {}", port));
  port = ntohs(reinterpret_cast<sockaddr_in*>(&local.storage)->sin_port);
  return Listener{std::move(socket), std::move(address), port};
}

AgentSocket::~AgentSocket() {
  if (directory_.empty()) return;
  ::unlink((directory_ + "/agent").c_str());
  ::rmdir(directory_.c_str());
}

std::string AgentSocket::path() {
  if (!directory_.empty()) return directory_ + "/agent";
  // mkdtemp makes the directory for this user only.
  std::string made = "/tmp/ssh-XXXXXX";
  if (!::mkdtemp(made.data())) return "";
  directory_ = made;
  sockaddr_un name{.sun_family = AF_UNIX, .sun_path = {}};
  fmt::format_to_n(name.sun_path, sizeof name.sun_path - 1, "{}/agent", made);
  socket_ = make_socket(AF_UNIX);
  if (socket_ && ::bind(socket_.get(), reinterpret_cast<sockaddr*>(&name), sizeof name) == 0 &&
      ::listen(socket_.get(), limits::kSshBacklog) == 0)
    return directory_ + "/agent";
  socket_.reset();
  return "";
}

UniqueFd accept_from(int listening, std::string& peer, std::uint16_t& port) {
  sockaddr_in from{};
  socklen_t size = sizeof from;
  UniqueFd socket(::accept4(listening, reinterpret_cast<sockaddr*>(&from), &size, SOCK_NONBLOCK | SOCK_CLOEXEC));
  if (!socket || from.sin_family != AF_INET) return socket;
  char text[INET_ADDRSTRLEN] = "";
  peer = ::inet_ntop(AF_INET, &from.sin_addr, text, sizeof text) ? text : "";
  port = ntohs(from.sin_port);
  send_at_once(socket.get());
  return socket;
}

}  // namespace banger::roles::agent::ssh

#include "roles/cli/forward.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <charconv>
#include <list>
#include <nlohmann/json.hpp>
#include <thread>

#include "base/text.h"
#include "host/unix_socket.h"
#include "roles/cli/bounds.h"

namespace banger::roles::cli {

namespace {

std::optional<std::uint16_t> port_number(std::string_view text) {
  std::uint16_t number = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return number;
}

/// One direction of a connection.
struct Direction {
  int from, to;
  std::string held = {};  ///< bytes that were read and not written yet
  bool source_ended = false;
  bool over = false;  ///< all bytes and the end were passed on

  bool wants_to_read() const { return !source_ended && held.size() < limits::kForwardBufferBytes; }
  bool wants_to_write() const { return !held.empty(); }

  /// False when the connection is broken.
  bool read() {
    char chunk[limits::kForwardReadBytes];
    auto count = ::recv(from, chunk, sizeof chunk, MSG_DONTWAIT);
    if (count < 0) return errno == EAGAIN || errno == EINTR;
    if (count == 0) source_ended = true;
    held.append(chunk, static_cast<std::size_t>(count));
    return true;
  }
  bool write() {
    auto count = ::send(to, held.data(), held.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (count < 0) return errno == EAGAIN || errno == EINTR;
    held.erase(0, static_cast<std::size_t>(count));
    return true;
  }
  void pass_end_on() {
    if (over || !source_ended || !held.empty()) return;
    over = true;
    ::shutdown(to, SHUT_WR);
  }
};

short events_of(int fd, const Direction& one, const Direction& other) {
  const auto& reads = one.from == fd ? one : other;
  const auto& writes = one.from == fd ? other : one;
  return static_cast<short>((reads.wants_to_read() ? POLLIN : 0) | (writes.wants_to_write() ? POLLOUT : 0));
}

/// One accepted connection, which has a thread of its own.
struct Connection {
  std::atomic<bool> over = false;
  std::thread thread;
};

struct Shared {
  const Io& io;
  const std::string& socket_path;
  const std::string& vm;
  int stop_fd;
};

void serve_connection(const Shared& shared, UniqueFd caller, std::uint16_t port) {
  auto socket = host::connect_unix(shared.socket_path);
  auto stream = socket
                    ? rpc::Client(std::move(*socket))
                          .open_stream("vm.tunnel", {{"vm", shared.vm}, {"port", port}}, {}, shared.stop_fd)
                    : Result<rpc::Client::RawStream>(std::unexpected(std::move(socket.error()).in("reach the daemon")));
  if (stream) return pump_both_ways(caller.get(), stream->socket.get(), std::move(stream->first_bytes), shared.stop_fd);
  if (stream.error().code != ErrorCode::cancelled) shared.io.note(safe_text(stream.error().sentence()));
  // The connection is closed with a reset, as a port without a listener would answer.
  linger reset{1, 0};
  ::setsockopt(caller.get(), SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
}

/// The connections and their threads. add() joins the threads that have ended, and the destructor joins all others.
class Connections {
 public:
  explicit Connections(UniqueFd stop) : stop_(std::move(stop)) {}
  ~Connections() {
    std::uint64_t one = 1;
    (void)!::write(stop_.get(), &one, sizeof one);
    for (auto& each : all_) each.thread.join();
  }
  void add(Shared shared, UniqueFd caller, std::uint16_t port) {
    all_.remove_if([](Connection& each) {
      if (!each.over) return false;
      each.thread.join();
      return true;
    });
    if (all_.size() >= limits::kForwardedConnections) return;
    shared.stop_fd = stop_.get();
    auto& made = all_.emplace_back();
    made.thread = std::thread([shared, port, &over = made.over, fd = std::move(caller)]() mutable {
      serve_connection(shared, std::move(fd), port);
      over = true;
    });
  }

 private:
  UniqueFd stop_;
  std::list<Connection> all_;
};

}  // namespace

Result<ForwardedPort> parse_forwarded_port(std::string_view text) {
  auto colon = text.find(':');
  auto guest = port_number(text.substr(colon == text.npos ? 0 : colon + 1));
  auto host = colon == text.npos ? guest : port_number(text.substr(0, colon));
  if (!guest || *guest == 0 || !host)
    return fail(ErrorCode::invalid, fmt::format("'{}' is not a port or HOSTPORT:PORT", printable(text, 64)),
                "write it like 8080 or 9000:8080");
  return ForwardedPort{*host, *guest};
}

Result<ForwardListener> listen_for(host::Ipv4 address, ForwardedPort port) {
  auto what = fmt::format("listen on {}", host::to_string({address, port.host}));
  ForwardListener listener{.socket = UniqueFd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)),
                           .at = {address, port.host},
                           .guest = port.guest};
  if (!listener.socket) return fail_errno(what);
  int on = 1;
  ::setsockopt(listener.socket.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_in where{.sin_family = AF_INET, .sin_port = htons(port.host), .sin_addr = {htonl(address)}, .sin_zero = {}};
  if (::bind(listener.socket.get(), reinterpret_cast<sockaddr*>(&where), sizeof where) < 0 ||
      ::listen(listener.socket.get(), SOMAXCONN) < 0) {
    auto error = fail_errno(what);
    if (error.error().code == ErrorCode::denied)
      error.error().hint = fmt::format("use a higher port of this host, as in {}:{}", 8000 + port.host, port.guest);
    if (error.error().code == ErrorCode::exists)
      error.error().hint = fmt::format("0:{} uses any free port", port.guest);
    return error;
  }
  socklen_t size = sizeof where;
  if (::getsockname(listener.socket.get(), reinterpret_cast<sockaddr*>(&where), &size) < 0) return fail_errno(what);
  listener.at.port = ntohs(where.sin_port);
  return listener;
}

void pump_both_ways(int first, int second, std::string from_second, int stop_fd) {
  Direction out{first, second}, back{second, first, std::move(from_second)};
  while (!out.over || !back.over) {
    pollfd waiting[3] = {
        {first, events_of(first, out, back), 0}, {second, events_of(second, out, back), 0}, {stop_fd, POLLIN, 0}};
    // poll(2) always reports a hangup, even for a descriptor without events. Such a descriptor would end every wait at
    // once.
    for (auto& each : waiting)
      if (each.events == 0) each.fd = -1;
    if (::poll(waiting, 3, -1) < 0 && errno != EINTR) return;
    if (waiting[2].revents) return;
    for (auto* way : {&out, &back}) {
      const auto &source = waiting[way == &out ? 0 : 1], &sink = waiting[way == &out ? 1 : 0];
      if (source.revents && way->wants_to_read() && !way->read()) return;
      if (sink.revents && way->wants_to_write() && !way->write()) return;
      way->pass_end_on();
    }
  }
}

Result<> forward_until_interrupted(Io& io, const Signals& signals, const std::string& vm,
                                   const std::vector<ForwardListener>& listeners) {
  auto path = TRY(host::find_paths(io.env)).daemon_socket();
  UniqueFd stop(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!stop) return fail_errno("eventfd");
  Connections connections(std::move(stop));
  std::vector<pollfd> waiting{{signals.fd(), POLLIN, 0}};
  for (const auto& each : listeners) waiting.push_back({each.socket.get(), POLLIN, 0});
  for (;;) {
    if (::poll(waiting.data(), waiting.size(), -1) < 0 && errno != EINTR) return fail_errno("wait for connections");
    if (waiting[0].revents) return {};
    for (std::size_t i = 0; i < listeners.size(); ++i) {
      if (!waiting[i + 1].revents) continue;
      UniqueFd caller(::accept4(listeners[i].socket.get(), nullptr, nullptr, SOCK_CLOEXEC));
      if (caller) connections.add({io, path, vm, -1}, std::move(caller), listeners[i].guest);
    }
  }
}

}  // namespace banger::roles::cli

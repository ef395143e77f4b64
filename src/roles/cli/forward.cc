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
#include "net/peer.h"
#include "net/tcp.h"
#include "roles/cli/bounds.h"
#include "rpc/chunks.h"

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
  rpc::ChunkReader* chunks = nullptr;  ///< takes the source's bytes apart, if they come in chunks
  std::string held = {};               ///< bytes that were read and not written yet
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
    take({chunk, static_cast<std::size_t>(count)});
    return count > 0 || !chunks;
  }
  void take(std::string_view bytes) {
    held += chunks ? chunks->feed(bytes) : bytes;
    if (chunks && chunks->ended()) source_ended = true;
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
  int stop_fd, ended_fd;
};

Ending serve_connection(const Shared& shared, int caller, std::uint16_t port) {
  auto socket = host::connect_unix(shared.socket_path);
  auto stream =
      socket ? rpc::Client(std::move(*socket))
                   .open_stream("vm.tunnel", {{"vm", shared.vm}, {"port", port}, {"chunks", true}}, {}, shared.stop_fd)
             : Result<rpc::Client::RawStream>(std::unexpected(std::move(socket.error()).in("reach the daemon")));
  if (stream) return pump_both_ways(caller, stream->socket.get(), stream->first_bytes, shared.stop_fd);
  if (stream.error().code != ErrorCode::cancelled) shared.io.note(safe_text(stream.error().sentence()));
  return Ending::broken;
}

/// The connections and their threads. add() joins the threads that have ended, and the destructor joins all others.
class Connections {
 public:
  Connections(UniqueFd stop, UniqueFd ended) : stop_(std::move(stop)), ended_(std::move(ended)) {}
  ~Connections() {
    signal(stop_.get());
    for (auto& each : all_) each.thread.join();
  }
  /// Readable when a connection has ended since the last is_full().
  int ended_fd() const { return ended_.get(); }
  bool is_full() {
    std::uint64_t count = 0;
    (void)!::read(ended_.get(), &count, sizeof count);
    all_.remove_if([](Connection& each) {
      if (!each.over) return false;
      each.thread.join();
      return true;
    });
    return all_.size() >= limits::kForwardedConnections;
  }
  void add(Shared shared, UniqueFd caller, std::uint16_t port) {
    shared.stop_fd = stop_.get();
    shared.ended_fd = ended_.get();
    auto& made = all_.emplace_back();
    made.thread = std::thread([shared, port, &over = made.over, fd = std::move(caller)]() mutable {
      // A broken connection must not look like one whose bytes have all arrived.
      if (serve_connection(shared, fd.get(), port) == Ending::broken) net::reset_at_close(fd.get());
      fd.reset();
      over = true;
      signal(shared.ended_fd);
    });
  }

 private:
  static void signal(int event) {
    std::uint64_t one = 1;
    (void)!::write(event, &one, sizeof one);
  }
  UniqueFd stop_, ended_;
  std::list<Connection> all_;
};

/// The loop of the command: accepts while there is room, and tells the user once what was refused and what waits.
class Acceptor {
 public:
  Acceptor(Io& io, const ForwardJob& job, std::string socket_path, Connections& connections)
      : io_(io), job_(job), socket_path_(std::move(socket_path)), connections_(connections) {}

  Result<> run(int signal_fd) {
    for (;;) {
      bool full = connections_.is_full();
      if (full && !std::exchange(told_full_, true))
        io_.note(
            fmt::format("{} connections are open, which is the limit; later ones wait", limits::kForwardedConnections));
      std::vector<pollfd> waiting{{signal_fd, POLLIN, 0}, {connections_.ended_fd(), POLLIN, 0}};
      // poll(2) skips negative descriptors. Connections then wait in the kernel's queue.
      for (const auto& each : job_.listeners) waiting.push_back({full ? -1 : each.socket.get(), POLLIN, 0});
      if (::poll(waiting.data(), waiting.size(), -1) < 0 && errno != EINTR) return fail_errno("wait for connections");
      if (waiting[0].revents) return {};
      for (std::size_t i = 0; i < job_.listeners.size(); ++i)
        if (waiting[i + 2].revents && !connections_.is_full()) accept(job_.listeners[i]);
    }
  }

 private:
  void accept(const ForwardListener& listener) {
    UniqueFd caller(::accept4(listener.socket.get(), nullptr, nullptr, SOCK_CLOEXEC));
    if (!caller) return;
    net::keep_alive(caller.get());
    if (!job_.only || net::is_peer_of(caller.get(), *job_.only))
      return connections_.add({io_, socket_path_, job_.vm, -1, -1}, std::move(caller), listener.guest);
    net::reset_at_close(caller.get());
    if (!std::exchange(told_refused_, true))
      io_.note(
          fmt::format("a connection to {} was refused: only your own processes may connect (hint: set "
                      "forward_clients = \"all\" in the config)",
                      host::to_string(listener.at)));
  }

  Io& io_;
  const ForwardJob& job_;
  const std::string socket_path_;
  Connections& connections_;
  bool told_full_ = false, told_refused_ = false;
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

Ending pump_both_ways(int caller, int tunnel, std::string_view from_tunnel, int stop_fd) {
  rpc::ChunkReader chunks;
  Direction out{caller, tunnel}, back{tunnel, caller, &chunks};
  back.take(from_tunnel);
  back.pass_end_on();
  while (!out.over || !back.over) {
    pollfd waiting[3] = {
        {caller, events_of(caller, out, back), 0}, {tunnel, events_of(tunnel, out, back), 0}, {stop_fd, POLLIN, 0}};
    // poll(2) always reports a hangup, even for a descriptor without events. Such a descriptor would end every wait at
    // once.
    for (auto& each : waiting)
      if (each.events == 0) each.fd = -1;
    if (::poll(waiting, 3, -1) < 0 && errno != EINTR) return Ending::broken;
    if (waiting[2].revents) return Ending::broken;
    for (auto* way : {&out, &back}) {
      const auto &source = waiting[way == &out ? 0 : 1], &sink = waiting[way == &out ? 1 : 0];
      if (source.revents && way->wants_to_read() && !way->read()) return Ending::broken;
      if (sink.revents && way->wants_to_write() && !way->write()) return Ending::broken;
      way->pass_end_on();
    }
  }
  return Ending::whole;
}

Result<> forward_until_interrupted(Io& io, const Signals& signals, const ForwardJob& job) {
  auto path = TRY(host::find_paths(io.env)).daemon_socket();
  UniqueFd stop(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)), ended(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!stop || !ended) return fail_errno("eventfd");
  Connections connections(std::move(stop), std::move(ended));
  return Acceptor(io, job, std::move(path), connections).run(signals.fd());
}

}  // namespace banger::roles::cli

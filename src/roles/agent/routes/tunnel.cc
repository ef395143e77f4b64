// CONNECT host:port: a TCP connection from the guest, with bytes both ways. Each direction ends on its own.
//
// Where nobody listens on the guest's own port 22, the agent's SSH server answers. So ssh works in every guest.
#include <fmt/format.h>
#include <sys/socket.h>

#include <asio.hpp>
#include <asio/experimental/as_tuple.hpp>

#include "base/text.h"
#include "host/files.h"
#include "link/bounds.h"
#include "roles/agent/address.h"
#include "roles/agent/bounds.h"
#include "roles/agent/exec/detached.h"
#include "roles/agent/routes.h"

namespace banger::roles::agent {

namespace {

using asio::ip::tcp;
using Socket = asio::generic::stream_protocol::socket;
constexpr auto use_tuple = asio::experimental::as_tuple(asio::use_awaitable);

struct Tunnel {
  Tunnel(host::Runtime& runtime, StreamPtr s) : socket(runtime.io()), stream(std::move(s)), changed(runtime) {}
  bool over() const { return broken || (inward_over && outward_over); }
  Socket socket;
  StreamPtr stream;  // null once it is over
  bool inward_over = false, outward_over = false, broken = false;
  host::Event changed;
};
using TunnelPtr = std::shared_ptr<Tunnel>;

void close(Socket& socket) {
  std::error_code ignored;
  socket.close(ignored);
}

// Makes one attempt. The timer closes the socket, which ends the wait. Both live as long as the tunnel's frame.
Task<std::error_code> connect(host::Runtime& runtime, TunnelPtr t, tcp::endpoint endpoint, host::Deadline deadline) {
  auto timer = std::make_shared<asio::steady_timer>(runtime.io(), deadline);
  timer->async_wait([t](std::error_code cancelled) {
    if (!cancelled) close(t->socket);
  });
  auto [error] = co_await t->socket.async_connect(endpoint, use_tuple);
  bool in_time = timer->cancel() > 0;
  co_return in_time ? error : std::error_code(asio::error::timed_out);
}

Task<Result<>> reach(host::Runtime& runtime, TunnelPtr t, Authority authority) {
  auto hosts = host::read_file("/etc/hosts", limits::kHostsFileBytes).value_or("");
  auto addresses = CO_TRY(addresses_of(authority.host, hosts));
  auto deadline = host::after(limits::kTunnelConnectDeadline);
  std::error_code last;
  for (const auto& address : addresses) {
    std::error_code unparsable;
    auto ip = asio::ip::make_address(address, unparsable);
    if (unparsable) continue;
    close(t->socket);
    last = co_await connect(runtime, t, tcp::endpoint(ip, authority.port), deadline);
    if (!last) co_return Result<>();
  }
  co_return fail_errno(fmt::format("connect to {} port {} in the guest", printable(authority.host), authority.port),
                       last.value());
}

bool is_own_ssh(const Context& context, const Authority& authority) {
  return authority.port == context.options.ssh_port && (authority.host == "127.0.0.1" || authority.host == "localhost");
}

Result<> reach_own_server(ContextPtr context, Tunnel& t) {
  if (!context->config.ssh_host_key) return fail(ErrorCode::unavailable, "the guest has no host key of SSH yet");
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0) return fail_errno("make a socket");
  UniqueFd ours(ends[0]), theirs(ends[1]);
  auto child =
      TRY(context->options.start_ssh(context->run_dir.path(), std::move(theirs), context->command_groups.next()));
  std::error_code error;
  close(t.socket);
  t.socket.assign(asio::generic::stream_protocol(AF_UNIX, 0), ours.get(), error);
  if (error) return fail_errno("use a socket", error.value());
  (void)ours.release();
  if (child) context->runtime.spawn(wait_for_end(context, std::move(*child), false));
  return {};
}

Task<Result<>> reach_any(ContextPtr context, TunnelPtr t, Authority authority) {
  auto reached = co_await reach(context->runtime, t, authority);
  if (reached || reached.error().sys_errno != ECONNREFUSED || !is_own_ssh(*context, authority)) co_return reached;
  auto own = reach_own_server(context, *t);
  if (!own) context->log().error("ssh.failed", {{"error", own.error().sentence()}});
  co_return own ? own : reached;
}

// Guest → host, until either side breaks or the guest's bytes end. Their end ends only the response's body.
Task<> outward(TunnelPtr t) {
  auto buffer = std::make_unique_for_overwrite<char[]>(limits::kLinkFrameBytes);
  while (!t->broken) {
    auto [error, got] =
        co_await t->socket.async_read_some(asio::buffer(buffer.get(), limits::kLinkFrameBytes), use_tuple);
    if (error == asio::error::eof) {
      t->broken = t->broken || !co_await t->stream->finish();
      break;
    }
    t->broken = t->broken || error || !co_await t->stream->write(std::string(buffer.get(), got));
  }
  t->outward_over = true;
  t->changed.notify_all();
}

// Host → guest, until the host's bytes end or either side breaks.
Task<> inward(TunnelPtr t) {
  while (!t->broken) {
    auto bytes = co_await t->stream->read();
    if (bytes && bytes->empty()) {
      std::error_code ignored;
      t->socket.shutdown(tcp::socket::shutdown_send, ignored);
      break;
    }
    t->broken = t->broken || !bytes;
    if (t->broken) break;
    auto [error, put] = co_await asio::async_write(t->socket, asio::buffer(*bytes), use_tuple);
    t->broken = t->broken || error;
  }
  t->inward_over = true;
  t->changed.notify_all();
}

}  // namespace

Task<> tunnel(ContextPtr context, StreamPtr stream) {
  auto t = std::make_shared<Tunnel>(context->runtime, stream);
  auto authority = parse_authority(stream->path());
  auto reached = authority ? co_await reach_any(context, t, *authority) : std::unexpected(authority.error());
  if (!reached) {
    (void)co_await stream->reply_error(reached.error());
    co_return;
  }
  std::error_code ignored;
  t->socket.set_option(tcp::no_delay(true), ignored);
  t->socket.set_option(asio::socket_base::keep_alive(true), ignored);
  if (!co_await stream->respond(200)) co_return;
  context->runtime.spawn(outward(t));
  context->runtime.spawn(inward(t));
  while (!t->over()) {
    bool changed = co_await t->changed.wait(host::after(limits::kTunnelProbe));
    // After the host's bytes end, the agent no longer reads. In a quiet tunnel only a write shows that the host has
    // gone, so try an empty one.
    if (!changed && t->inward_over && !co_await stream->write({})) t->broken = true;
  }
  // A connection that broke on its way must not look to the server like one whose bytes have all arrived.
  if (t->broken) t->socket.set_option(asio::socket_base::linger(true, 0), ignored);
  // A direction that still waits ends with its side. An unfinished stream is reset for the host.
  t->broken = true;
  close(t->socket);
  t->stream.reset();
}

}  // namespace banger::roles::agent

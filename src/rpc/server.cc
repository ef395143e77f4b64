// Accepts clients, refuses those of other users, and stops. connection.cc serves each connection.
#include "rpc/server.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <algorithm>
#include <asio/experimental/as_tuple.hpp>
#include <asio/io_context.hpp>
#include <asio/local/stream_protocol.hpp>
#include <asio/use_awaitable.hpp>

#include "host/unix_socket.h"
#include "rpc/bounds.h"
#include "rpc/connection.h"
#include "rpc/protocol.h"

namespace banger::rpc {

namespace {

constexpr auto use_tuple = asio::experimental::as_tuple(asio::use_awaitable);
using Acceptor = asio::local::stream_protocol::acceptor;

// Descriptors that are left for files, machines and streams: at least as many as for clients.
std::size_t connections_by_descriptors() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) < 0) return limits::kRpcConnections;
  return std::clamp<std::size_t>(limit.rlim_cur / 2, 1, limits::kRpcConnections);
}

// A client that is silent must not keep others out. False when all clients have calls.
bool close_longest_idle(ServerState& state) {
  Connection* longest = nullptr;
  for (auto* each : state.connections) {
    if (each->closed() || !each->idle_since()) continue;
    if (!longest || *each->idle_since() < *longest->idle_since()) longest = each;
  }
  if (!longest) return false;
  state.log.warn("rpc.closed_idle", {{"connections", std::to_string(state.connections.size())}});
  longest->close();
  return true;
}

bool is_full(const ServerState& state) {
  auto open = std::ranges::count_if(state.connections, [](auto* each) { return !each->closed(); });
  return static_cast<std::size_t>(open) >= state.most_connections;
}

// The error for a client that is refused, or success.
Result<> admit(ServerState& state, int socket, uid_t owner) {
  auto peer = TRY(host::peer_of(socket));
  if (peer.uid != owner && peer.uid != 0)
    return fail(ErrorCode::denied, fmt::format("this daemon serves uid {}, not uid {}", owner, peer.uid),
                "use your own daemon: banger starts one for each user");
  if (is_full(state) && !close_longest_idle(state))
    return fail(ErrorCode::busy, fmt::format("{} clients are connected already", state.connections.size()),
                "try again later, or raise the limit of open files (ulimit -n) of the daemon");
  return {};
}

// Tries once without waiting, so that a refused client cannot delay the daemon.
void refuse(int socket, const Error& error) {
  std::string line = encode_error({}, error);
  [[maybe_unused]] auto ignored = ::send(socket, line.data(), line.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
}

void welcome(const std::shared_ptr<ServerState>& state, UniqueFd socket, uid_t owner) {
  ::fcntl(socket.get(), F_SETFD, FD_CLOEXEC);
  auto admitted = admit(*state, socket.get(), owner);
  if (admitted) return start_connection(state, std::move(socket));
  state->log.warn("rpc.turned_away", {{"error", admitted.error().message}});
  refuse(socket.get(), admitted.error());
}

Task<> accept_all(std::shared_ptr<ServerState> state, std::shared_ptr<Acceptor> acceptor, uid_t owner) {
  while (acceptor->is_open()) {
    auto [error, socket] = co_await acceptor->async_accept(use_tuple);
    if (error == asio::error::operation_aborted) continue;
    if (error) {
      // Most likely all descriptors are in use. Connections that close free them.
      state->log.error("rpc.accept", {{"error", error.message()}});
      close_longest_idle(*state);
      co_await state->runtime.sleep_for(limits::kRpcAcceptPause);
      continue;
    }
    welcome(state, UniqueFd(socket.release()), owner);
  }
}

class AsioServer final : public Server {
 public:
  AsioServer(host::Runtime& runtime, const Logger& log) : state_(std::make_shared<ServerState>(runtime, log)) {}
  ~AsioServer() override { close_all(); }

  void add(std::string name, Method method, Shape shape, Cost cost) override {
    state_->methods.insert_or_assign(std::move(name), Registered{std::move(method), shape, cost});
  }

  Task<> serve(UniqueFd listener, uid_t owner) override {
    state_->most_connections = connections_by_descriptors();
    acceptor_ = std::make_shared<Acceptor>(state_->runtime.io());
    std::error_code error;
    acceptor_->assign(asio::local::stream_protocol(), listener.get(), error);
    if (error)
      state_->log.error("rpc.serve", {{"error", error.message()}});
    else
      (void)listener.release();
    if (state_->stopping) acceptor_->close(error);
    return accept_all(state_, acceptor_, owner);
  }

  Task<> stop(host::Deadline deadline) override {
    state_->stopping = true;
    close_acceptor();
    for (auto* connection : state_->connections) connection->cancel_calls();
    while (state_->calls > 0 && co_await state_->call_ended.wait(deadline)) {
    }
    close_all();
  }

 private:
  void close_acceptor() {
    std::error_code ignored;
    if (acceptor_) acceptor_->close(ignored);
  }

  void close_all() {
    state_->stopping = true;
    close_acceptor();
    for (auto* connection : state_->connections) connection->close();
  }

  std::shared_ptr<ServerState> state_;
  std::shared_ptr<Acceptor> acceptor_;
};

}  // namespace

std::unique_ptr<Server> make_server(host::Runtime& runtime, const Logger& log) {
  return std::make_unique<AsioServer>(runtime, log);
}

}  // namespace banger::rpc

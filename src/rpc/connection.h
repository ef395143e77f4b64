// One client of the daemon: its calls, its answers, its end. Internal to the server; asio stays in connection.cc.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include "base/log.h"
#include "base/unique_fd.h"
#include "host/runtime.h"
#include "rpc/bounds.h"
#include "rpc/server.h"
#include "rpc/turns.h"

namespace banger::rpc {

struct Registered {
  Method method;
  Shape shape = Shape::plain;
  Cost cost = Cost::low;
};

class Connection {
 public:
  virtual ~Connection() = default;
  // Neither function runs other code before it returns. Coroutines that it wakes run later, from the event loop.
  virtual void cancel_calls() = 0;
  virtual void close() = 0;
  virtual bool closed() const = 0;
  /// When the last call ended, or the last bytes arrived; nullopt while calls run.
  virtual std::optional<host::Clock::time_point> idle_since() const = 0;
};

/// What all connections share. It outlives the Server object while calls run.
struct ServerState {
  ServerState(host::Runtime& r, const Logger& l) : runtime(r), log(l), call_ended(r) {}
  host::Runtime& runtime;
  Logger log;
  std::map<std::string, Registered, std::less<>> methods;
  std::set<Connection*> connections;  ///< a connection removes itself when it is destroyed
  Turns turns{limits::kRpcCostlyCalls};
  std::size_t most_connections = limits::kRpcConnections;
  std::size_t calls = 0;  ///< calls that run, or whose answers are not sent yet
  bool stopping = false;
  host::Event call_ended;
};

/// Takes ownership of the socket. The connection lives in its own coroutines until the peer or the server ends it.
void start_connection(std::shared_ptr<ServerState> state, UniqueFd socket);

}  // namespace banger::rpc

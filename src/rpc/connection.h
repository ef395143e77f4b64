// One client of the daemon: its calls, its answers, its end. Internal to the server; asio stays in connection.cc.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>

#include "base/log.h"
#include "base/unique_fd.h"
#include "host/runtime.h"
#include "rpc/server.h"

namespace banger::rpc {

struct Registered {
  Method method;
  Shape shape = Shape::plain;
};

class Connection {
 public:
  virtual ~Connection() = default;
  // Neither runs anything else at once: what they wake comes later, from the event loop.
  virtual void cancel_calls() = 0;
  virtual void close() = 0;
};

/// What all connections share. It outlives the Server object while calls run.
struct ServerState {
  ServerState(host::Runtime& r, const Logger& l) : runtime(r), log(l), call_ended(r) {}
  host::Runtime& runtime;
  Logger log;
  std::map<std::string, Registered, std::less<>> methods;
  std::set<Connection*> connections;  ///< each takes itself off when it dies
  std::size_t calls = 0;              ///< running, or answered and not sent yet
  bool stopping = false;
  host::Event call_ended;
};

/// Takes the socket over; the connection lives in its own coroutines until the peer or the server is done.
void start_connection(std::shared_ptr<ServerState> state, UniqueFd socket);

}  // namespace banger::rpc

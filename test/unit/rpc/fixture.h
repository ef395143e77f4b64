// A real server on a real socket, methods with every kind of behaviour, and a raw client that can violate the protocol.
#pragma once

#include <memory>
#include <string>
#include <thread>

#include "host/runtime.h"
#include "host/unix_socket.h"
#include "rpc/client.h"
#include "rpc/server.h"
#include "support/temp_dir.h"

namespace banger::test {

using namespace rpc;

/// The server runs on its own thread. The destructor stops it, and hangs if anything it started never ends.
class Daemon {
 public:
  Daemon();
  ~Daemon();
  std::string path() const { return directory_ / "d.sock"; }
  UniqueFd connect() const;
  Client client() const { return Client(connect()); }
  /// Ends the server as the daemon does. The destructor calls it if the test did not.
  void stop(std::chrono::milliseconds deadline = std::chrono::seconds(10));
  /// Blocks until that many `wait` calls have started, or been cancelled, since the start.
  void await_started(int count) { await("await_started", count); }
  void await_cancelled(int count) { await("await_cancelled", count); }
  /// The same for connections that have closed and had a `watch_close` call.
  void await_closed(int count) { await("await_closed", count); }
  /// How many `wait` and `gate` calls have started.
  int started() const;
  /// How many closed connections were reported, after stop().
  int closed() const;
  void open_gate();
  /// The same without a connection, for a server that accepts none.
  void force_gate();
  const std::string& directory() const { return directory_.path(); }

 private:
  void add_methods();
  void add_streams();
  void await(const char* method, int count);

  banger::test::TempDir directory_;
  host::Runtime runtime_;
  struct Shared;
  std::shared_ptr<Shared> shared_;
  std::unique_ptr<Server> server_;
  std::thread thread_;
};

/// Bytes in and out, nothing else. Reads fail after 20 s, so that a broken server fails a test and does not hang it.
class Raw {
 public:
  explicit Raw(UniqueFd socket);
  /// False when the peer does not read any more.
  bool send(std::string_view bytes);
  void half_close();
  void close() { socket_.reset(); }
  /// The next line without its newline; "" at the end.
  std::string line();
  Json json();
  /// Everything up to the end.
  std::string rest();
  int fd() const { return socket_.get(); }

 private:
  bool fill();
  UniqueFd socket_;
  std::string buffer_;
};

std::string request(int id, const std::string& method, const std::string& params = "{}");

}  // namespace banger::test

// HTTP/2 with prior knowledge (RFC 9113) over any byte channel: a virtio-serial port, a vsock, a socketpair. The host
// end is the client, the guest end the server; both are here. Neither trusts what it reads.
//
// Opening (and reopening, after either side restarted): virtio-serial drops bytes in flight when the host end closes,
// so a session always starts with a handshake. The host sends `token ‖ nonce` (16 + 16 bytes) until it sees the same 32
// bytes come back and ignores all else; the guest looks for `token` in everything it reads, at any time, and when it
// finds it with a new nonce it drops its session, answers `token ‖ nonce`, and starts afresh. The token is a secret of
// host and guest.
//
// A guest end that dies takes its session along, and a virtio-serial port does not tell the host. So whoever takes its
// place opens the port with `token ‖ 16 zeros`. The host looks for these at any time, ends its session, and reconnects.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/task.h"
#include "host/runtime.h"

namespace banger::link {

struct Header {
  std::string name, value;  ///< name in lower case
};

/// One HTTP/2 stream, either end. Closed by destruction (reset if unfinished).
class Stream {
 public:
  virtual ~Stream() = default;
  /// The next bytes of the peer's body, as they come; empty at its end. `unavailable` when the link broke.
  virtual Task<Result<std::string>> read() = 0;
  /// Sends bytes; returns when they fit the send window (backpressure), not when they arrived.
  virtual Task<Result<>> write(std::string bytes) = 0;
  /// Ends our body.
  virtual Task<Result<>> finish() = 0;
};

/// For a path or a query value: all but unreserved characters and '/' as %XX (RFC 3986, 2.3).
std::string percent_encode(std::string_view bytes);

// ---------------------------------------------------------------- host end

class ClientStream : public Stream {
 public:
  /// Waits for the response head. `timeout` after the deadline.
  virtual Task<Result<int>> status(host::Deadline deadline) = 0;
};

struct Request {
  std::string method, path;  ///< path with query; for CONNECT the authority
  std::vector<Header> headers = {};
};

class Client {
 public:
  virtual ~Client() = default;
  virtual Task<Result<std::unique_ptr<ClientStream>>> open(Request request) = 0;
  /// A short request with a whole body each way; a status of 400 or more becomes the error the guest sent (JSON
  /// {"code","message"}), its text made printable. Response body at most limits::kLinkJsonBytes.
  virtual Task<Result<std::string>> call(std::string method, std::string path, std::string body,
                                         host::Deadline deadline) = 0;
  virtual bool alive() const = 0;
  /// An agent that takes the place of this one may open with that token too: a guest's changes, and one that dies soon
  /// afterwards may not have written it down.
  virtual void expect(std::string token) = 0;
  /// Completes when the link has broken or was closed.
  virtual Task<> closed() = 0;
  virtual void close() = 0;
};

/// The error in a response of status 400 or more: untrusted, so made printable and cut at limits::kLinkErrorBytes.
Error guest_error(int status, std::string_view body);

/// Takes the channel over and performs the handshake. `timeout` when the guest does not answer by then.
Task<Result<std::shared_ptr<Client>>> connect(host::Runtime& runtime, UniqueFd channel, std::string token,
                                              host::Deadline deadline);

// ---------------------------------------------------------------- guest end

class ServerStream : public Stream {
 public:
  virtual const std::string& method() const = 0;
  virtual const std::string& path() const = 0;  ///< without the query, percent-decoded
  virtual std::optional<std::string> query(std::string_view key) const = 0;
  virtual std::optional<std::string> header(std::string_view name) const = 0;
  /// Sends the response head; once, before any write().
  virtual Task<Result<>> respond(int status, std::vector<Header> headers = {}) = 0;
  /// Reads the whole request body, at most max_bytes.
  virtual Task<Result<std::string>> body(std::size_t max_bytes) = 0;
  /// Head, JSON body and end in one. For errors: {"code","message"} with the status that fits.
  virtual Task<Result<>> reply_json(int status, std::string json) = 0;
  virtual Task<Result<>> reply_error(const Error& error) = 0;
};

/// Runs as its own coroutine; owns the stream.
using Handler = std::function<Task<>(std::shared_ptr<ServerStream> stream)>;

/// What it means that nobody is at the other end.
enum class AtEnd {
  wait,  ///< a port, which every host that comes finds again: it backs off (2 ms doubling to 50 ms) and goes on
  stop,  ///< one connection, over for good
};

/// Serves one channel: handshakes, sessions, resyncs. `token` may be replaced at run time (a clone's identity). A port
/// is served for ever: serve() returns only on a read error that is not about the peer.
class Server {
 public:
  virtual ~Server() = default;
  virtual Task<Result<>> serve() = 0;
  virtual void set_token(std::string token) = 0;
};
std::unique_ptr<Server> make_server(host::Runtime& runtime, UniqueFd channel, std::string token, Handler handler,
                                    AtEnd at_end = AtEnd::wait);

}  // namespace banger::link

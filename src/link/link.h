// HTTP/2 with prior knowledge (RFC 9113) over any byte channel: a virtio-serial port, a vsock, a socketpair. The host
// end is the client, the guest end the server; both are in this folder. Neither trusts the bytes it reads.
//
// Opening (and reopening, after either side restarted): virtio-serial drops bytes in flight when the host end closes.
// So a session always starts with a handshake. The host sends `token ‖ nonce` (16 + 16 bytes) until the same 32 bytes
// come back, and ignores all else. The guest searches everything it reads for `token`, at any time. When it finds the
// token with a new nonce, it drops its session, answers `token ‖ nonce`, and starts a new session. The token is a
// secret of host and guest.
//
// When a guest end dies, its session is lost, and a virtio-serial port does not notify the host. So the next guest end
// begins by sending `token ‖ 16 zeros`. When the host finds these bytes, at any time, it ends its session and
// reconnects.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/task.h"
#include "host/runtime.h"
#include "link/bounds.h"

namespace banger::link {

struct Header {
  std::string name, value;  ///< name in lower case
};

/// One HTTP/2 stream, either end. Closed by destruction (reset if unfinished).
class Stream {
 public:
  virtual ~Stream() = default;
  /// The next bytes of the peer's body, as they arrive; empty at the body's end. `unavailable` when the link broke.
  virtual Task<Result<std::string>> read() = 0;
  /// Sends bytes; returns when they fit the send window (backpressure), not when they arrived.
  virtual Task<Result<>> write(std::string bytes) = 0;
  /// Ends this end's body.
  virtual Task<Result<>> finish() = 0;
};

/// For a path or a query value. Writes all bytes but unreserved characters and '/' as %XX (RFC 3986, 2.3).
std::string percent_encode(std::string_view bytes);

// ---------------------------------------------------------------- host end

class ClientStream : public Stream {
 public:
  /// Waits for the response head. `timeout` after the deadline.
  virtual Task<Result<int>> status(host::Deadline deadline) = 0;
};

/// What Client::fell_silent() does to a request: a shell waits for its guest, and a file transfer does not.
enum class OnSilence { wait, end };

struct Request {
  std::string method, path;  ///< path with query; for CONNECT the authority
  std::vector<Header> headers = {};
  OnSilence on_silence = OnSilence::wait;
};

class Client {
 public:
  virtual ~Client() = default;
  virtual Task<Result<std::unique_ptr<ClientStream>>> open(Request request) = 0;
  /// A short request with a whole body each way. A status of 400 or more becomes the error that the guest sent (JSON
  /// {"code","message"}), with its text made printable. The response's body has at most limits::kLinkJsonBytes.
  /// `timeout` at the deadline, or earlier if the guest has fallen silent (connect()).
  virtual Task<Result<std::string>> call(std::string method, std::string path, std::string body,
                                         host::Deadline deadline) = 0;
  virtual bool alive() const = 0;
  /// Asks whether the agent still answers (PING of HTTP/2). `timeout` when no answer has come by the deadline. Then the
  /// link stays as it is: the guest may only be slow. At most one question is on its way at a time.
  virtual Task<Result<>> ping(host::Deadline deadline) = 0;
  /// The guest has stopped answering: ends the requests that do not wait for such a guest, with `timeout`.
  virtual void fell_silent() = 0;
  /// When the last bytes of the guest arrived.
  virtual host::Clock::time_point last_heard() const = 0;
  /// The next agent may announce itself with this token too. A guest's token changes, and an agent that dies soon after
  /// the change may not have recorded the new one.
  virtual void expect(std::string token) = 0;
  /// Completes when the link has broken or was closed.
  virtual Task<> closed() = 0;
  virtual void close() = 0;
};

/// The error in a response of status 400 or more. Its text is untrusted: it is made printable and cut at
/// limits::kLinkErrorBytes.
Error guest_error(int status, std::string_view body);

/// Takes ownership of the channel and performs the handshake. `timeout` when the guest has not answered by the
/// deadline. A guest that owes an answer and is silent for `silence` gets a PING, and as long again to answer that.
Task<Result<std::shared_ptr<Client>>> connect(host::Runtime& runtime, UniqueFd channel, std::string token,
                                              host::Deadline deadline,
                                              std::chrono::milliseconds silence = limits::kLinkSilence);

// ---------------------------------------------------------------- guest end

class ServerStream : public Stream {
 public:
  virtual const std::string& method() const = 0;
  virtual const std::string& path() const = 0;  ///< without the query, percent-decoded
  virtual std::optional<std::string> query(std::string_view key) const = 0;
  virtual std::optional<std::string> header(std::string_view name) const = 0;
  /// Sends the response head. Call it once, before any write().
  virtual Task<Result<>> respond(int status, std::vector<Header> headers = {}) = 0;
  /// Reads the whole request body, at most max_bytes.
  virtual Task<Result<std::string>> body(std::size_t max_bytes) = 0;
  /// Sends head, JSON body and end. For errors: {"code","message"} with the fitting status.
  virtual Task<Result<>> reply_json(int status, std::string json) = 0;
  virtual Task<Result<>> reply_error(const Error& error) = 0;
};

/// Runs as its own coroutine; owns the stream.
using Handler = std::function<Task<>(std::shared_ptr<ServerStream> stream)>;

/// What the server does when the other end is not open.
enum class AtEnd {
  wait,  ///< for a port, which later hosts open again: retries after 2 ms, doubling to 50 ms
  stop,  ///< for a single connection, which is over for good
};

/// Serves one channel: handshakes, sessions, resyncs. `token` may be replaced at run time (a clone's identity). For a
/// port, serve() returns only on a read error that has other causes than the peer.
class Server {
 public:
  virtual ~Server() = default;
  virtual Task<Result<>> serve() = 0;
  virtual void set_token(std::string token) = 0;
};
std::unique_ptr<Server> make_server(host::Runtime& runtime, UniqueFd channel, std::string token, Handler handler,
                                    AtEnd at_end = AtEnd::wait);

}  // namespace banger::link

// A client for HTTP/1.1, plain and over TLS, for registries and catalogs. Servers are hostile: everything they send has
// a limit and a deadline. No cookies, no compression, no HTTP/2.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/task.h"
#include "host/runtime.h"
#include "http/bounds.h"
#include "http/headers.h"
#include "http/proxy.h"
#include "http/trust.h"
#include "http/url.h"

namespace banger::http {

/// How long the parts of a request may take.
struct Deadlines {
  /// One attempt to reach the server: name lookup, TCP, proxy and TLS.
  std::chrono::milliseconds connect = limits::kHttpConnectDeadline;
  /// Without a byte from the server, or without room for a byte to it.
  std::chrono::milliseconds stall = limits::kHttpStallDeadline;
  /// For each limits::kHttpPaceBytes of a response, in time that is spent on reading.
  std::chrono::milliseconds pace = limits::kHttpPaceDeadline;
  /// Everything: all attempts, redirects and pauses.
  host::Deadline whole = host::Deadline::max();
};

/// A body that is read from a file while it is sent. The descriptor is borrowed, and is read with pread(2), so that the
/// request can be repeated.
struct FileBody {
  int fd = -1;
  std::uint64_t offset = 0, size_bytes = 0;
};

enum class Plain {
  refused,  ///< a URL with http:// is an error, as the target of a redirect too
  allowed,  ///< but a redirect from https to http stays an error
};
enum class Redirects {
  follow,  ///< 301, 302, 303, 307 and 308, at most limits::kRedirects of them
  show,    ///< the redirect is the response
};

/// Which servers a request may reach.
enum class Within {
  anywhere,
  global_only,  ///< not this host and not its networks: for addresses that a server in the Internet gave
};

struct Request {
  Url url;
  std::string method = "GET";
  /// Host, Content-Length, User-Agent and Connection are added. Authorization and Cookie are left out of requests to
  /// another origin, from the redirect on that led there.
  Headers headers = {};
  std::string body = {};
  std::optional<FileBody> file = std::nullopt;   ///< in place of `body`
  std::function<void(std::uint64_t)> sent = {};  ///< called with the bytes of the body sent so far; 0 at a new attempt
  std::size_t max_body_bytes = limits::kHttpBodyBytes;  ///< of the response; `exhausted` beyond
  Deadlines deadlines = {};
  Plain plain = Plain::refused;
  Redirects redirects = Redirects::follow;
  /// Checked at the connection, after the name lookup. Redirects of a server in the Internet have this limit anyway.
  Within within = Within::anywhere;
  /// How often the request is sent at most. Another attempt follows connection errors and the statuses 408, 429, 500,
  /// 502, 503 and 504. Methods that are not idempotent, POST and PATCH, are sent once. A Retry-After header sets the
  /// pause between two attempts. A pause beyond limits::kRetryAfterMost or the deadline is not waited for, and the
  /// response is the result.
  int attempts = limits::kHttpAttempts;
  host::Cancel* cancel = nullptr;  ///< borrowed for the time of the call; `cancelled` once requested
};

struct Response {
  int status = 0;    ///< 200..599
  Headers headers;   ///< at most limits::kHttpHeadBytes in all
  std::string body;  ///< whole for 2xx, empty after a download; for others cut at limits::kErrorBodyBytes
  Url url;           ///< where the response came from, after redirects
  /// Where an address in this response may lead, if it is asked for with another request.
  Within leads = Within::anywhere;
};

/// Where a download goes, and what is known of it. Statuses other than 200 and 206 deliver nothing here. Their body is
/// in the response.
struct Download {
  std::uint64_t offset = 0;                          ///< bytes that the receiver already has; all: no request is sent
  std::optional<std::uint64_t> size_bytes;           ///< of the whole; another size is `corrupt`
  std::uint64_t max_bytes = limits::kDownloadBytes;  ///< of the whole; `exhausted` beyond
  /// Gets the bytes in order, in pieces of at most limits::kHttpReadBytes. An error ends the download with this error.
  std::function<Task<Result<>>(std::string_view piece)> write;
  /// Forgets all bytes: the server sends everything from the start. If empty, that is an error.
  std::function<Task<Result<>>()> restart;
};

/// What the client waits with; tests put their own in place.
struct Waits {
  std::function<Task<>(std::chrono::milliseconds)> sleep = {};      ///< empty: a pause that Request::cancel ends
  std::function<std::chrono::system_clock::time_point()> now = {};  ///< empty: the host's clock
  std::function<double()> random = {};                              ///< 0 <= x < 1; empty: from the kernel
};

struct Options {
  std::string user_agent = "banger";
  ProxySettings proxy = {};
  TrustPaths trust = {};  ///< default_trust() gives the host's
  std::string hosts_file = "/etc/hosts";
  std::string resolv_conf = "/etc/resolv.conf";  ///< read for each lookup
  std::uint16_t dns_port = 53;                   ///< of the name servers
  Waits waits = {};
};

/// Keeps connections open between requests, a few for each server. Requests may run beside each other. The client must
/// outlive them. The process must ignore SIGPIPE, which OpenSSL's writes raise.
///
/// An HTTP status is never an error. Errors are sentences about the server:
///
///   unavailable  refused, unknown host, broken connection, proxy
///   denied       the certificate is not trusted; a redirect is not followed
///   timeout      no byte for too long, or the whole took too long
///   exhausted    the response is too large
///   corrupt      not HTTP, or cut short, or of another size
///   invalid      the request is malformed
///   unsupported  a scheme other than http and https
///   cancelled    Request::cancel was requested
class Client {
 public:
  Client(host::Runtime& runtime, Options options);
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  /// Sends a request, and returns the response with its body in memory. HTTP statuses of all kinds are responses.
  Task<Result<Response>> send(Request request);

  /// Fetches with GET. When the connection breaks or stalls, the download goes on from the last byte (Range, RFC 9110
  /// section 14). A server that cannot do that starts again, through `restart`. Each attempt that brought bytes renews
  /// the number of attempts. The caller checks a digest: the pieces may come from several servers.
  Task<Result<Response>> download(Request request, Download download);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// "404 Not Found", or "599" for a status without a name.
std::string status_text(int status);

}  // namespace banger::http

// A server on loopback for tests of the client. Each connection has a thread of its own, and blocks there.
#pragma once

#include <openssl/ssl.h>

#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/unique_fd.h"

namespace banger::test {

/// The certificate and key of a TLS server, and the CA that its clients must have signed theirs with; paths of PEM.
struct ServerTls {
  std::string certificate, key;
  std::string client_ca = {};
  int max_version = 0;  ///< as in SSL_CTX_set_max_proto_version
};

/// The server's end of one connection.
class Peer {
 public:
  Peer(UniqueFd fd, SSL* tls) : fd_(std::move(fd)), tls_(tls) {}
  Peer(const Peer&) = delete;
  Peer& operator=(const Peer&) = delete;
  ~Peer();

  /// The head and the body of the next request; empty once the client has closed.
  std::string request();
  /// Bytes as they come; empty at the end.
  std::string some();
  /// False once the client has closed.
  bool send(std::string_view bytes);
  /// Sends a ticket for another session, which is a message of TLS 1.3 without content. False once that fails.
  bool send_ticket();
  /// Reads and answers nothing more, until the client has closed.
  void fall_silent();
  std::string sni() const;
  int fd() const { return fd_.get(); }

 private:
  UniqueFd fd_;
  SSL* tls_;
  std::string buffered_;
};

class Server {
 public:
  using Handler = std::function<void(Peer&)>;

  explicit Server(Handler handler, std::optional<ServerTls> tls = std::nullopt, std::string address = "127.0.0.1");
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  int port() const { return port_; }
  /// "http://127.0.0.1:PORT/…" or https.
  std::string url(const std::string& target = "/") const;
  int connections() const;
  /// Requests so far. A handler records each with note().
  std::vector<std::string> requests() const;
  void note(const std::string& request);

 private:
  void accept_all();
  void serve(UniqueFd fd);

  Handler handler_;
  std::string address_;
  std::shared_ptr<SSL_CTX> context_;
  UniqueFd listener_;
  int port_ = 0;
  mutable std::mutex mutex_;
  std::vector<int> open_;
  std::vector<std::string> requests_;
  int connections_ = 0;
  bool closing_ = false;
  std::list<std::thread> threads_;
  std::thread accepting_;
};

/// A server that answers each request by its text, and records it. An empty answer closes the connection.
std::unique_ptr<Server> answering(std::function<std::string(const std::string& request)> answer,
                                  std::optional<ServerTls> tls = std::nullopt);

/// A complete response. `fields` are lines that end with "\r\n".
std::string response(int status, const std::string& body, const std::string& fields = "");

}  // namespace banger::test

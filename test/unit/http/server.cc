#include "server.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>

namespace banger::test {

namespace {

void must(bool holds) {
  if (!holds) std::abort();
}

std::shared_ptr<SSL_CTX> context_of(const ServerTls& tls) {
  std::shared_ptr<SSL_CTX> context(SSL_CTX_new(TLS_server_method()), SSL_CTX_free);
  must(SSL_CTX_use_certificate_chain_file(context.get(), tls.certificate.c_str()) == 1);
  must(SSL_CTX_use_PrivateKey_file(context.get(), tls.key.c_str(), SSL_FILETYPE_PEM) == 1);
  if (tls.max_version) {
    SSL_CTX_set_security_level(context.get(), 0);  // older versions need it
    SSL_CTX_set_min_proto_version(context.get(), TLS1_VERSION);
    SSL_CTX_set_max_proto_version(context.get(), tls.max_version);
  }
  if (!tls.client_ca.empty()) {
    must(SSL_CTX_load_verify_file(context.get(), tls.client_ca.c_str()) == 1);
    SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  }
  return context;
}

std::size_t body_bytes(const std::string& head) {
  auto at = head.find("Content-Length: ");
  std::size_t size = 0;
  if (at != head.npos) std::from_chars(head.data() + at + 16, head.data() + head.size(), size);
  return size;
}

}  // namespace

Peer::~Peer() {
  if (tls_) SSL_free(tls_);
}

std::string Peer::some() {
  char buffer[65'536];
  auto got =
      tls_ ? SSL_read(tls_, buffer, sizeof buffer) : static_cast<int>(::recv(fd_.get(), buffer, sizeof buffer, 0));
  return got > 0 ? std::string(buffer, static_cast<std::size_t>(got)) : std::string();
}

std::string Peer::request() {
  for (;;) {
    auto end = buffered_.find("\r\n\r\n");
    if (end != buffered_.npos) {
      auto size = end + 4 + body_bytes(buffered_.substr(0, end + 4));
      if (buffered_.size() >= size) {
        auto whole = buffered_.substr(0, size);
        buffered_.erase(0, size);
        return whole;
      }
    }
    auto more = some();
    if (more.empty()) return "";
    buffered_ += more;
  }
}

bool Peer::send(std::string_view bytes) {
  while (!bytes.empty()) {
    auto put = tls_ ? SSL_write(tls_, bytes.data(), static_cast<int>(bytes.size()))
                    : static_cast<int>(::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL));
    if (put <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(put));
  }
  return true;
}

bool Peer::send_ticket() {
  // OpenSSL takes a ticket that no client wants for sent.
  pollfd entry{.fd = fd_.get(), .events = POLLRDHUP, .revents = 0};
  return ::poll(&entry, 1, 0) == 0 && SSL_new_session_ticket(tls_) == 1 && SSL_do_handshake(tls_) == 1;
}

void Peer::fall_silent() {
  pollfd entry{.fd = fd_.get(), .events = POLLRDHUP, .revents = 0};
  ::poll(&entry, 1, -1);
}

std::string Peer::sni() const {
  const char* name = tls_ ? SSL_get_servername(tls_, TLSEXT_NAMETYPE_host_name) : nullptr;
  return name ? name : "";
}

Server::Server(Handler handler, std::optional<ServerTls> tls, std::string address)
    : handler_(std::move(handler)), address_(std::move(address)) {
  ::signal(SIGPIPE, SIG_IGN);
  if (tls) context_ = context_of(*tls);
  listener_ = UniqueFd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in at{};
  at.sin_family = AF_INET;
  must(::inet_pton(AF_INET, address_.c_str(), &at.sin_addr) == 1);
  socklen_t size = sizeof at;
  must(::bind(listener_.get(), reinterpret_cast<sockaddr*>(&at), size) == 0);
  must(::listen(listener_.get(), 64) == 0);
  must(::getsockname(listener_.get(), reinterpret_cast<sockaddr*>(&at), &size) == 0);
  port_ = ntohs(at.sin_port);
  accepting_ = std::thread([this] { accept_all(); });
}

Server::~Server() {
  {
    std::lock_guard lock(mutex_);
    closing_ = true;
    for (int fd : open_) ::shutdown(fd, SHUT_RDWR);
  }
  ::shutdown(listener_.get(), SHUT_RDWR);
  accepting_.join();
  for (auto& thread : threads_) thread.join();
}

void Server::accept_all() {
  for (;;) {
    UniqueFd fd(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    std::lock_guard lock(mutex_);
    if (closing_ || !fd) return;
    ++connections_;
    open_.push_back(fd.get());
    threads_.emplace_back([this, number = fd.release()] { serve(UniqueFd(number)); });
  }
}

void Server::serve(UniqueFd fd) {
  int number = fd.get();
  SSL* tls = nullptr;
  if (context_) {
    tls = SSL_new(context_.get());
    SSL_set_fd(tls, number);
  }
  Peer peer(std::move(fd), tls);
  if (!tls || SSL_accept(tls) == 1) handler_(peer);
  std::lock_guard lock(mutex_);
  std::erase(open_, number);
}

std::string Server::url(const std::string& target) const {
  return fmt::format("{}://{}:{}{}", context_ ? "https" : "http", address_, port_, target);
}

int Server::connections() const {
  std::lock_guard lock(mutex_);
  return connections_;
}

std::vector<std::string> Server::requests() const {
  std::lock_guard lock(mutex_);
  return requests_;
}

void Server::note(const std::string& request) {
  std::lock_guard lock(mutex_);
  requests_.push_back(request);
}

std::unique_ptr<Server> answering(std::function<std::string(const std::string&)> answer, std::optional<ServerTls> tls) {
  auto self = std::make_shared<Server*>(nullptr);
  auto ready = std::make_shared<std::mutex>();
  std::lock_guard until_known(*ready);
  auto server = std::make_unique<Server>(
      [self, ready, answer](Peer& peer) {
        auto* owner = (std::lock_guard(*ready), *self);
        for (auto request = peer.request(); !request.empty(); request = peer.request()) {
          owner->note(request);
          auto bytes = answer(request);
          if (bytes.empty() || !peer.send(bytes)) return;
        }
      },
      tls);
  *self = server.get();
  return server;
}

std::string response(int status, const std::string& body, const std::string& fields) {
  return fmt::format("HTTP/1.1 {} Word\r\n{}Content-Length: {}\r\n\r\n{}", status, fields, body.size(), body);
}

}  // namespace banger::test

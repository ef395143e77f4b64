// A guest, the gate and a server outside, with real TLS of OpenSSL on both sides. The peers are threads with blocking
// sockets, and the gate runs in the thread of the test.
#pragma once

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <fstream>
#include <future>
#include <nlohmann/json.hpp>
#include <sstream>

#include "catch.h"
#include "certs/authority.h"
#include "flow_fixture.h"
#include "http/certificates.h"
#include "roles/gate/proxy.h"

namespace banger::roles::gate {

/// A peer's end of a connection. Its reads and writes wait for 20 seconds at most.
class End {
 public:
  enum class Close { none, clean, cut, broken };

  explicit End(int socket) : socket_(socket) {
    timeval patience{.tv_sec = 20, .tv_usec = 0};
    ::setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    ::setsockopt(socket, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    int now = 1;
    ::setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &now, sizeof now);
  }
  ~End() {
    if (tls_) SSL_free(tls_);
    ::close(socket_);
  }
  End(const End&) = delete;
  End& operator=(const End&) = delete;

  /// OpenSSL's handshake; false when it fails. Then `trouble` says why.
  bool start(SSL_CTX* context, const char* host) {
    tls_ = SSL_new(context);
    SSL_set_fd(tls_, socket_);
    if (host) {
      SSL_set_tlsext_host_name(tls_, host);
      SSL_set1_host(tls_, host);
    }
    int done = host ? SSL_connect(tls_) : SSL_accept(tls_);
    if (done != 1) note_trouble();
    return done == 1;
  }
  bool send(std::string_view bytes) {
    return bytes.empty() || SSL_write(tls_, bytes.data(), static_cast<int>(bytes.size())) > 0;
  }
  /// More bytes; empty once the connection has ended, which `close` then tells.
  std::string some() {
    if (!got_.empty()) return std::exchange(got_, {});
    std::string bytes(65'536, '\0');
    int size = SSL_read(tls_, bytes.data(), static_cast<int>(bytes.size()));
    bytes.resize(size > 0 ? static_cast<std::size_t>(size) : 0);
    if (size <= 0) {
      auto error = SSL_get_error(tls_, size);
      auto reason = ERR_GET_REASON(ERR_peek_error());
      close = error == SSL_ERROR_ZERO_RETURN                                           ? Close::clean
              : error == SSL_ERROR_SSL && reason == SSL_R_UNEXPECTED_EOF_WHILE_READING ? Close::cut
                                                                                       : Close::broken;
      note_trouble();
    }
    return bytes;
  }
  std::string read(std::size_t size) {
    std::string all;
    while (all.size() < size) {
      auto more = some();
      if (more.empty()) break;
      all += more;
    }
    if (all.size() > size) got_ = all.substr(size), all.resize(size);
    return all;
  }
  /// Up to and with that text.
  std::string read_to(std::string_view text) {
    std::string all;
    for (;;) {
      auto more = some();
      if (more.empty()) return all;
      all += more;
      auto at = all.find(text);
      if (at == all.npos) continue;
      got_ = all.substr(at + text.size()) + got_;
      all.resize(at + text.size());
      return all;
    }
  }
  std::string head() { return read_to("\r\n\r\n"); }
  std::string rest() {
    std::string all;
    for (auto more = some(); !more.empty(); more = some()) all += more;
    return all;
  }
  void end() {
    SSL_shutdown(tls_);
    ::shutdown(socket_, SHUT_WR);
  }
  /// As a process that dies.
  void end_without_notify() { ::shutdown(socket_, SHUT_WR); }
  void reset() {
    linger now{.l_onoff = 1, .l_linger = 0};
    ::setsockopt(socket_, SOL_SOCKET, SO_LINGER, &now, sizeof now);
  }
  int socket() const { return socket_; }
  SSL* tls() { return tls_; }

  Close close = Close::none;
  std::string trouble;

 private:
  void note_trouble() {
    const char* reason = ERR_reason_error_string(ERR_peek_error());
    trouble = reason ? reason : "";
    ERR_clear_error();
  }
  int socket_;
  SSL* tls_ = nullptr;
  std::string got_;
};

using TestContext = std::shared_ptr<SSL_CTX>;
using Script = std::function<void(End&)>;

inline std::string text_of(const std::string& path) {
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

/// The guest has the secret KEY for api.vm, and allows *.vm. All of its connections go to the server.
struct EndedFixture {
  static constexpr const char* kValue = "s3cr3t-value";

  EndedFixture() {
    ::signal(SIGPIPE, SIG_IGN);
    auto listening = net::listen_tcp(runtime, {0x7f000101, 0});
    REQUIRE(listening);
    gate = std::move(*listening);
    runtime.spawn(accept_all(*this));
    listen_outside();
    auto key = certs::make_key();
    REQUIRE(key);
    authority = {.key_pem = *key, .subject = "banger of tester@here"};
    REQUIRE(set_parts());
    set(Json::array({secret("KEY", kValue, {"api.vm"})}));
    trust_root({"api.vm", "*.vm"});
    auto files = upstream.sign("server", {.names = "DNS:api.vm,DNS:other.vm"});
    present(files);
  }
  ~EndedFixture() {
    finish();
    guests.forget(kVm);
    CHECK(guest_trouble == expected_trouble);
    ::close(outside);
    test::run(runtime, runtime.sleep_for(std::chrono::milliseconds(20)));
  }
  EndedFixture(const EndedFixture&) = delete;
  EndedFixture& operator=(const EndedFixture&) = delete;

  // -- what the daemon sends

  static Json secret(const std::string& name, const Json& value, const std::vector<std::string>& hosts) {
    return {{"name", name}, {"placeholder", "banger-secret-" + name}, {"value", value}, {"hosts", narrow(hosts)}};
  }
  Result<> set_parts() {
    auto issuer = certs::Issuer::make(authority);
    if (!issuer) return std::unexpected(issuer.error());
    guests.tls().issuer = std::move(*issuer);
    auto trust = certs::Trust::make(text_of(upstream.certificate()));
    if (!trust) return std::unexpected(trust.error());
    guests.tls().trust = std::move(*trust);
    return {};
  }
  void set(const Json& list, const std::vector<std::string>& rules = {"*.vm"}) {
    auto secrets = egress::Secrets::from_json(&list);
    REQUIRE(secrets);
    REQUIRE(guests.set(kVm, kGuest, *egress::Policy::make("none", rules), std::move(*secrets)));
    auto& openings = guest()->openings();
    for (const char* name : {"api.vm", "other.vm"})
      openings.open({{kServer, name, guest()->policy().ports_of(name), now() + std::chrono::minutes(5)}}, now());
  }

  // -- what the peers have

  void trust_root(const std::vector<std::string>& names) {
    auto pem = certs::make_root(authority, names);
    REQUIRE(pem);
    client.reset(SSL_CTX_new(TLS_client_method()), SSL_CTX_free);
    SSL_CTX_set_verify(client.get(), SSL_VERIFY_PEER, nullptr);
    trust(*pem);
    trust(text_of(upstream.certificate()));
  }
  void trust(const std::string& pem) {
    std::unique_ptr<BIO, int (*)(BIO*)> text(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())), BIO_free);
    std::unique_ptr<X509, void (*)(X509*)> certificate(PEM_read_bio_X509(text.get(), nullptr, nullptr, nullptr),
                                                       X509_free);
    REQUIRE(X509_STORE_add_cert(SSL_CTX_get_cert_store(client.get()), certificate.get()) == 1);
  }
  /// The server's certificate from now on.
  void present(const test::ServerTls& files) {
    server.reset(SSL_CTX_new(TLS_server_method()), SSL_CTX_free);
    REQUIRE(SSL_CTX_use_certificate_chain_file(server.get(), files.certificate.c_str()) == 1);
    REQUIRE(SSL_CTX_use_PrivateKey_file(server.get(), files.key.c_str(), SSL_FILETYPE_PEM) == 1);
    SSL_CTX_set_alpn_select_cb(server.get(), choose, this);
  }
  static void offer(SSL_CTX* context, const std::string& protocols) {
    SSL_CTX_set_alpn_protos(context, reinterpret_cast<const unsigned char*>(protocols.data()),
                            static_cast<unsigned>(protocols.size()));
  }

  // -- peers that run

  /// The server's next connection, after its handshake.
  void serve(Script script) {
    add([this, script] {
      int socket = accept();
      if (socket < 0) return;
      End end(socket);
      bool started = end.start(server.get(), nullptr);
      if (started) script(end);
      server_trouble = end.trouble;
      // A close with unread bytes would be a reset, which may overtake an alert.
      char bytes[4096];
      while (!started && ::recv(socket, bytes, sizeof bytes, 0) > 0) continue;
    });
  }
  /// A connection of the guest for that host. The script runs after a handshake; without one, `guest_trouble` says why.
  void visit(Script script, const char* host = "api.vm") {
    add([this, script, host] {
      End end(connect());
      bool started = end.start(client.get(), host);
      if (started) script(end);
      if (!started) guest_trouble = end.trouble;
    });
  }
  int connect() const {
    int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ::connect(socket, reinterpret_cast<const sockaddr*>(&gate_address), sizeof gate_address);
    return socket;
  }
  /// The next connection on which something is said. On ports other than 443 the gate connects before it knows whether
  /// the guest speaks TLS, and then once more.
  int accept() const {
    for (;;) {
      int socket = ::accept(outside, nullptr, nullptr);
      char byte = 0;
      if (socket < 0 || ::recv(socket, &byte, 1, MSG_PEEK) > 0) return socket;
      ::close(socket);
    }
  }
  void add(std::function<void()> work) { running.push_back(std::async(std::launch::async, std::move(work))); }
  /// Until all peers have done their scripts.
  void finish() {
    for (auto& peer : running)
      test::run(runtime,
                wait_until([&] { return peer.wait_for(std::chrono::seconds(0)) == std::future_status::ready; }));
    running.clear();
  }
  /// One request and its answer. Gives what the server has got, and what the guest has got.
  struct Exchange {
    std::string request, answer;
  };
  Exchange exchange(const std::string& request, const std::string& answer, const char* host = "api.vm") {
    Exchange seen;
    serve([&](End& end) {
      seen.request = end.head();
      end.send(answer);
      end.end();
    });
    visit(
        [&](End& end) {
          end.send(request);
          seen.answer = end.rest();
        },
        host);
    finish();
    return seen;
  }

  // -- what the gate knows

  GuestPtr guest() const { return guests.find(kVm); }
  std::vector<egress::Reason> reasons() const {
    std::vector<egress::Reason> all;
    for (const auto& row : guest()->log().since(0)) all.push_back(row.reason);
    return all;
  }
  /// The last refusal in the log.
  egress::Reason refused() const {
    auto all = reasons();
    std::erase(all, egress::Reason::allowed);
    return all.empty() ? egress::Reason::allowed : all.back();
  }
  bool all_over() {
    return test::run(runtime, wait_until([&] {
                       return std::ranges::all_of(flows, [](const auto& flow) { return flow.expired(); });
                     }));
  }
  bool until(std::function<bool()> condition) { return test::run(runtime, wait_until(std::move(condition))); }

  host::Runtime runtime;
  Guests guests{runtime, {0x7f000000, 8}, [](net::Ipv4) { return false; }};
  test::TempDir directory;
  test::Authority upstream{directory, "upstream"};
  certs::Authority authority;
  TestContext client, server;
  std::string speaks = "http/1.1";  ///< the server, by its name in ALPN
  std::unique_ptr<net::TcpListener> gate;
  sockaddr_in gate_address{};
  int outside = -1;
  Destination to;
  std::vector<std::future<void>> running;
  std::vector<std::weak_ptr<Flow>> flows;
  std::atomic<int> accepted = 0;
  Task<> (*way)(FlowPtr) = pass;
  std::string guest_trouble, server_trouble, expected_trouble;

 private:
  static std::vector<std::string> narrow(const std::vector<std::string>& hosts) {
    std::vector<std::string> with_ports;
    for (const auto& host : hosts) with_ports.push_back(host.find(':') == host.npos ? host + ":1-65534" : host);
    return with_ports;
  }
  static int choose(SSL*, const unsigned char** chosen, unsigned char* size, const unsigned char* offered,
                    unsigned length, void* fixture) {
    const auto& wanted = static_cast<EndedFixture*>(fixture)->speaks;
    auto name = std::string(1, static_cast<char>(wanted.size())) + wanted;
    auto at = std::string_view(reinterpret_cast<const char*>(offered), length).find(name);
    if (at == std::string_view::npos) return SSL_TLSEXT_ERR_NOACK;
    *chosen = offered + at + 1;
    *size = offered[at];
    return SSL_TLSEXT_ERR_OK;
  }
  void listen_outside() {
    outside = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in where{.sin_family = AF_INET, .sin_port = 0, .sin_addr = {htonl(kServer)}, .sin_zero = {}};
    socklen_t size = sizeof where;
    REQUIRE(::bind(outside, reinterpret_cast<sockaddr*>(&where), size) == 0);
    REQUIRE(::listen(outside, 1024) == 0);
    timeval patience{.tv_sec = 20, .tv_usec = 0};
    ::setsockopt(outside, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    ::getsockname(outside, reinterpret_cast<sockaddr*>(&where), &size);
    to = {kServer, ntohs(where.sin_port)};
    gate_address = {.sin_family = AF_INET,
                    .sin_port = htons(gate->endpoint().port),
                    .sin_addr = {htonl(gate->endpoint().address)},
                    .sin_zero = {}};
  }
  static Task<> accept_all(EndedFixture& f) {
    while (f.gate) {
      auto stream = co_await f.gate->accept();
      if (!stream) co_return;
      ++f.accepted;
      auto flow = std::make_shared<Flow>(f.runtime, f.guest(), f.to, std::move(*stream));
      f.flows.push_back(flow);
      f.runtime.spawn(f.way(std::move(flow)));
    }
  }
  Task<bool> wait_until(std::function<bool()> condition) {
    auto deadline = host::after(std::chrono::seconds(60));
    while (!condition() && host::Clock::now() < deadline) co_await runtime.sleep_for(std::chrono::milliseconds(1));
    co_return condition();
  }
};

}  // namespace banger::roles::gate

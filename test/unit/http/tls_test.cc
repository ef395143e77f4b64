// TLS with certificates that the tests make.
#include "http/tls.h"

#include <sys/stat.h>

#include <filesystem>

#include "certificates.h"
#include "fixture.h"

using namespace banger;
using test::Fixture;
using test::response;
using test::text_of;

namespace {

struct TlsFixture : Fixture {
  test::Authority authority{dir};

  std::unique_ptr<test::Server> serve(std::optional<test::ServerTls> tls) {
    return test::answering([](auto&) { return response(200, "safe"); }, tls);
  }
  /// Puts the CA where containers-certs.d(5) says.
  void trust(const test::Server& server, const std::string& host = "127.0.0.1") {
    auto directory = dir / ("certs.d/" + host + ":" + std::to_string(server.port()));
    std::filesystem::create_directories(directory);
    std::filesystem::copy_file(authority.certificate(), directory + "/ca.crt");
  }
  std::string get_text(const std::string& url) { return text_of(get(url)); }
};

std::string at(const test::Server& server, const std::string& host) {
  return "https://" + host + ":" + std::to_string(server.port()) + "/";
}

}  // namespace

TEST_CASE("tls: a server with a CA of certs.d is trusted, by name and by address") {
  TlsFixture all;
  auto server = all.serve(all.authority.sign("leaf"));
  all.trust(*server);
  all.trust(*server, "localhost");
  CHECK(all.get_text(server->url()) == "200 safe");
  CHECK(all.get_text(server->url()) == "200 safe");
  CHECK(server->connections() == 1);
  CHECK(all.get_text(at(*server, "localhost")) == "200 safe");
}

TEST_CASE("tls: a server with a CA of the bundle is trusted") {
  TlsFixture all;
  all.options.trust.bundles = {all.dir / "missing.pem", all.authority.certificate()};
  auto server = all.serve(all.authority.sign("leaf"));
  CHECK(all.get_text(server->url()) == "200 safe");
}

TEST_CASE("tls: a server that may have any certificate is not checked, and others are") {
  TlsFixture all;
  auto server = all.serve(all.authority.sign("leaf")), other = all.serve(all.authority.sign("leaf"));
  all.options.trust.any_certificate = {"127.0.0.1:" + std::to_string(server->port())};
  CHECK(all.get_text(server->url()) == "200 safe");
  CHECK(all.get(other->url()).error().code == ErrorCode::denied);
}

TEST_CASE("tls: an unknown CA is refused with a way out, and is not tried again") {
  TlsFixture all;
  auto server = all.serve(all.authority.sign("leaf"));
  auto place = all.dir / ("certs.d/127.0.0.1:" + std::to_string(server->port()) + "/ca.crt");
  CHECK(all.get_text(server->url()) == "denied: 127.0.0.1:" + std::to_string(server->port()) +
                                           ": the server's certificate is from a CA that this host does not know "
                                           "(hint: if you trust the server, put its CA into " +
                                           place + ")");
  CHECK(server->connections() == 1);
  // The way out works without a new client.
  all.trust(*server);
  CHECK(all.get_text(server->url()) == "200 safe");
}

TEST_CASE("tls: each fault of a certificate has its sentence") {
  TlsFixture all;
  auto told = [&](const test::Leaf& leaf, const std::string& host = "127.0.0.1") {
    auto server = all.serve(all.authority.sign("leaf", leaf));
    all.trust(*server, host);
    return all.get_text(at(*server, host));
  };
  auto has = [](const std::string& text, std::string_view part) {
    INFO(text);
    CHECK(text.starts_with("denied: "));
    CHECK(text.find(part) != text.npos);
  };
  has(told({.self_signed = true}), "is signed by itself, and this host does not trust it (hint: if you trust");
  has(told({.names = "DNS:other.example"}, "localhost"), "is for another host name");
  has(told({.names = "IP:127.0.0.2,DNS:127.0.0.1"}), "is for another host name");
  has(told({.names = "DNS:l*host"}, "localhost"), "is for another host name");
  has(told({.from_days = -5, .to_days = -2}), "has expired");
  has(told({.from_days = 2, .to_days = 5}), "is not valid yet");
}

TEST_CASE("tls: the server gets the name, but no address") {
  TlsFixture all;
  test::Server server(
      [](test::Peer& peer) {
        peer.request();
        peer.send(response(200, "sni=" + peer.sni(), "Connection: close\r\n"));
      },
      all.authority.sign("leaf"));
  all.trust(server);
  all.trust(server, "localhost");
  CHECK(all.get_text(at(server, "localhost")) == "200 sni=localhost");
  CHECK(all.get_text(server.url()) == "200 sni=");
}

TEST_CASE("tls: a server without TLS is named as such") {
  TlsFixture all;
  test::Server server([](test::Peer& peer) {
    peer.some();
    peer.send(response(400, ""));
  });
  auto text = all.get_text(at(server, "127.0.0.1"));
  CHECK(text.find("the server does not speak TLS (hint: it may serve plain HTTP on this port)") != text.npos);
  CHECK(server.connections() == 1);
}

TEST_CASE("tls: versions below 1.2 are refused") {
  TlsFixture all;
  auto tls = all.authority.sign("leaf");
  tls.max_version = TLS1_1_VERSION;
  auto server = all.serve(tls);
  all.trust(*server);
  auto text = all.get_text(server->url());
  INFO(text);
  CHECK(text.starts_with("unsupported: "));
}

TEST_CASE("tls: a client certificate of certs.d is shown to the server") {
  TlsFixture all;
  auto tls = all.authority.sign("leaf");
  tls.client_ca = all.authority.certificate();
  auto server = all.serve(tls);
  all.trust(*server);
  auto without = all.get_text(server->url());
  INFO(without);
  CHECK(without.find("the server wants a certificate of the client") != without.npos);
  auto mine = all.authority.sign("mine");
  auto directory = all.dir / ("certs.d/127.0.0.1:" + std::to_string(server->port()));
  std::filesystem::copy_file(mine.certificate, directory + "/client.cert");
  std::filesystem::copy_file(mine.key, directory + "/client.key");
  CHECK(all.get_text(server->url()) == "200 safe");
}

TEST_CASE("tls: a file that is no certificate is named") {
  TlsFixture all;
  auto server = all.serve(all.authority.sign("leaf"));
  auto name = "certs.d/127.0.0.1:" + std::to_string(server->port()) + "/bad.crt";
  all.dir.put(name, "no certificate");
  auto text = all.get_text(server->url());
  CHECK(text.starts_with("invalid: "));
  CHECK(text.find(all.dir / name + " is no certificate in PEM") != text.npos);
}

TEST_CASE("tls: a FIFO in place of a certificate is an error, and nothing waits for its writer") {
  TlsFixture all;
  auto server = all.serve(all.authority.sign("leaf"));
  all.trust(*server);
  auto directory = all.dir / ("certs.d/127.0.0.1:" + std::to_string(server->port()));
  auto refused = [&](const std::string& file) {
    REQUIRE(::mkfifo(file.c_str(), 0600) == 0);
    CHECK(all.get_text(server->url()).find(file + " is not a regular file") != std::string::npos);
    std::filesystem::remove(file);
  };
  refused(directory + "/zz.crt");
  std::filesystem::copy_file(all.authority.certificate(), directory + "/me.cert");
  refused(directory + "/me.key");
}

TEST_CASE("tls: a connection that is cut without an end is not the end of a body") {
  TlsFixture all;
  test::Server server(
      [](test::Peer& peer) {
        peer.request();
        peer.send("HTTP/1.1 200 OK\r\n\r\nhalf");
      },
      all.authority.sign("leaf"));
  all.trust(server);
  auto request = Fixture::request(server.url());
  request.attempts = 1;
  CHECK(text_of(all.send(request)).find("the server closed the connection within TLS") != std::string::npos);
}

TEST_CASE("tls: many bytes go both ways") {
  TlsFixture all;
  auto server =
      test::answering([](auto& request) { return response(200, request.substr(request.find("\r\n\r\n") + 4)); },
                      all.authority.sign("leaf"));
  all.trust(*server);
  auto put = Fixture::request(server->url(), "PUT");
  put.body = std::string(3'000'000, 'x') + "end";
  auto got = all.send(put);
  REQUIRE(got.has_value());
  CHECK(got->body == put.body);
}

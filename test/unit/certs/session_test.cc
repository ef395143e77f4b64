// Sessions in memory: a server of an issuer, and a client that trusts its root.
#include "certs/session.h"

#include "certs/bounds.h"
#include "verify.h"

using namespace banger;
using namespace banger::certs;

namespace {

struct Pair {
  explicit Pair(const std::string& host = "a.org", const std::string& chosen = "", const Protocols& offered = {}) {
    Authority authority{.key_pem = *make_key(), .subject = "banger"};
    auto trust = Trust::make(*make_root(authority, {"a.org"}));
    REQUIRE(trust);
    auto issuer = Issuer::make(authority);
    REQUIRE(issuer);
    server.emplace(std::move(*issuer->accept(host, chosen)));
    client.emplace(std::move(*trust->connect("a.org", offered)));
  }
  std::optional<Session> client, server;
};

}  // namespace

TEST_CASE("certs session: content passes both ways in pieces of any size") {
  Pair p;
  REQUIRE(meet(*p.client, *p.server).both());
  CHECK(*p.client->read(100) == std::nullopt);
  REQUIRE(p.client->write("hello"));
  auto bytes = p.client->take_output();
  for (char byte : bytes.substr(0, bytes.size() - 1)) {
    p.server->receive({byte});
    CHECK(*p.server->read(100) == std::nullopt);
  }
  p.server->receive(bytes.substr(bytes.size() - 1));
  CHECK(*p.server->read(100) == "hello");
  std::string large(300'000, 'x');
  REQUIRE(p.server->write(large));
  p.client->receive(p.server->take_output());
  std::string got;
  for (;;) {
    auto more = p.client->read(65'536);
    REQUIRE(more);
    if (!*more) break;
    CHECK((*more)->size() <= 65'536);
    got += **more;
  }
  CHECK(got == large);
}

TEST_CASE("certs session: an announced end is an end, and content before it is not lost") {
  Pair p;
  REQUIRE(meet(*p.client, *p.server).both());
  REQUIRE(p.client->write("last"));
  p.client->end();
  p.server->receive(p.client->take_output());
  CHECK(*p.server->read(100) == "last");
  CHECK(*p.server->read(100) == "");
  CHECK(*p.server->read(100) == "");
}

TEST_CASE("certs session: a certificate for another host, or none that is trusted, is denied") {
  Pair p("b.org");
  auto met = meet(*p.client, *p.server);
  REQUIRE_FALSE(met.client);
  CHECK(met.client.error().code == ErrorCode::denied);
  REQUIRE_FALSE(met.server);
  Pair one, other;
  met = meet(*one.client, *other.server);
  REQUIRE_FALSE(met.client);
  CHECK(met.client.error().code == ErrorCode::denied);
}

TEST_CASE("certs session: the server chooses one of the protocols that the client offers") {
  Pair both("a.org", "http/1.1", {"h2", "http/1.1"});
  REQUIRE(meet(*both.client, *both.server).both());
  CHECK(both.client->protocol() == "http/1.1");
  CHECK(both.server->protocol() == "http/1.1");
  Pair none("a.org", "h2", {"http/1.1"});
  REQUIRE(meet(*none.client, *none.server).both());
  CHECK(none.client->protocol().empty());
}

TEST_CASE("certs session: bytes that are no TLS are an error, and not the end of the process") {
  Pair p;
  p.server->receive("GET / HTTP/1.1\r\n\r\n");
  CHECK_FALSE(p.server->shake());
  Pair broken;
  REQUIRE(meet(*broken.client, *broken.server).both());
  broken.server->receive(std::string(100, '\x17'));
  CHECK_FALSE(broken.server->read(100));
}

TEST_CASE("certs session: a peer that asks for answers without end is given up") {
  Authority authority{.key_pem = *make_key(), .subject = "banger"};
  auto server = Issuer::make(authority)->accept("a.org", "");
  REQUIRE(server);
  Context context(SSL_CTX_new(TLS_client_method()));
  auto* tls = SSL_new(context.get());
  SSL_set_connect_state(tls);
  Session client(tls);
  REQUIRE(meet(client, *server).both());
  Result<std::optional<std::string>> read = std::nullopt;
  for (int round = 0; read && round < 20'000; ++round) {
    SSL_key_update(tls, SSL_KEY_UPDATE_REQUESTED);
    SSL_do_handshake(tls);
    server->receive(client.take_output());
    read = server->read(100);
  }
  REQUIRE_FALSE(read);
  CHECK(read.error().code == ErrorCode::corrupt);
}

TEST_CASE("certs trust: a bundle may have other text, but no malformed certificate") {
  Authority authority{.key_pem = *make_key(), .subject = "banger"};
  auto root = *make_root(authority, {"a.org"});
  CHECK(Trust::make("# one\n" + root + "\n# two\n" + root));
  for (const std::string& bad :
       {std::string(), std::string("text"), root + "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"}) {
    auto trust = Trust::make(bad);
    REQUIRE_FALSE(trust);
    CHECK(trust.error().code == ErrorCode::invalid);
  }
}

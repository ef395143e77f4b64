// How the daemon gives secrets to the gate.
#include <sys/wait.h>
#include <unistd.h>

#include "base/bounds.h"
#include "ended_fixture.h"
#include "host/confine.h"
#include "methods_fixture.h"

using namespace banger;
using namespace banger::roles::gate;

namespace {

struct SecretFixture : MethodsFixture {
  SecretFixture() : key(*certs::make_key()) {}
  Result<Json> authority(const std::string& pem) {
    return call("gate.authority", {{"key", pem}, {"subject", "banger of tester@here"}});
  }
  std::string bundle() const { return *certs::make_root({.key_pem = key, .subject = "any"}, {"a.org"}); }
  Result<Json> set_secrets(const Json& list) {
    Json policy = {{"egress", "none"}, {"allow", {"a.org"}}};
    return call("gate.set", {{"vm", "a"}, {"address", "172.16.0.5"}, {"policy", policy}, {"secrets", list}});
  }
  static Json secret(const Json& value) {
    return Json::array({{{"name", "A"}, {"placeholder", "banger-secret-A"}, {"value", value}, {"hosts", {"a.org"}}}});
  }
  std::string key;
};

}  // namespace

TEST_CASE("gate methods: secrets need an authority and trusted CAs, and go when they are absent") {
  SecretFixture f;
  auto early = f.set_secrets(f.secret("v"));
  REQUIRE_FALSE(early);
  CHECK(early.error().code == ErrorCode::invalid);
  CHECK_FALSE(f.guests.find("a"));
  REQUIRE(f.authority(f.key));
  CHECK_FALSE(f.set_secrets(f.secret("v")));
  REQUIRE(f.call("gate.trust", {{"authorities", f.bundle()}}));
  REQUIRE(f.set_secrets(f.secret("v")));
  CHECK(f.guests.find("a")->secrets().has("a.org", 443));
  REQUIRE(f.set_secrets(nullptr));
  CHECK(f.guests.find("a")->secrets().empty());
  REQUIRE(f.set_secrets(f.secret(nullptr)));
  f.set("a", {"a.org"});
  CHECK(f.guests.find("a")->secrets().empty());
  REQUIRE(f.set_secrets(f.secret("v")));
  REQUIRE(f.call("gate.clear", {{"vm", "a"}}));
  CHECK(f.guests.find("a")->secrets().empty());
}

TEST_CASE("gate methods: a malformed secret, key or bundle is refused, and what was there stays") {
  SecretFixture f;
  REQUIRE(f.authority(f.key));
  REQUIRE(f.call("gate.trust", {{"authorities", f.bundle()}}));
  REQUIRE(f.set_secrets(f.secret("v")));
  auto refused = f.set_secrets(f.secret("hush\n"));
  REQUIRE_FALSE(refused);
  CHECK(refused.error().sentence().find("hush") == std::string::npos);
  CHECK(f.guests.find("a")->secrets().has("a.org", 443));
  CHECK_FALSE(f.authority("garbage"));
  CHECK_FALSE(f.call("gate.trust", {{"authorities", "garbage"}}));
  CHECK_FALSE(f.call("gate.trust", Json::object()));
  CHECK(f.guests.tls().issuer);
  CHECK(f.guests.tls().trust);
}

TEST_CASE("gate methods: a bundle as large as those of hosts fits into a call") {
  SecretFixture f;
  std::string bundle;
  auto one = "# Authority\n" + f.bundle();
  while (bundle.size() < 262'144) bundle += one;
  CHECK(certs::Trust::make(bundle));
  CHECK(rpc::encode_call(1, "gate.trust", {{"authorities", bundle}})->size() < limits::kRpcMessageBytes / 2);
}

TEST_CASE("gate: TLS works with the system calls of the gate, and without a file") {
  EndedFixture f;
  auto root = *certs::make_root(f.authority, {"api.vm"});
  auto child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    bool confined = host::forbid_new_privileges() && host::filter_system_calls(host::Calls::sockets);
    auto issuer = certs::Issuer::make(f.authority);
    auto trust = certs::Trust::make(root);
    if (!confined || !issuer || !trust) ::_exit(1);
    auto server = issuer->accept("api.vm", "");
    auto client = trust->connect("api.vm", {});
    for (int round = 0; server && client && round < 5; ++round) {
      auto one = client->shake();
      server->receive(client->take_output());
      auto other = server->shake();
      client->receive(server->take_output());
      if (one && *one && other && *other) ::_exit(0);
    }
    ::_exit(2);
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  CHECK(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 0);
}

// What the daemon asks of the gate, over a real socket.
#include "roles/gate/methods.h"

#include <fmt/format.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include "certs/authority.h"
#include "methods_fixture.h"
#include "roles/gate/bounds.h"

using namespace banger;
using namespace banger::roles::gate;
using namespace std::chrono_literals;
using egress::Reason;

using Fixture = MethodsFixture;

TEST_CASE("gate methods: a gate says which one it is") {
  Fixture f;
  auto info = f.call("gate.info", Json::object());
  REQUIRE(info);
  CHECK(info->at("place") == "1.0 172.16.0.1/24 host");
  CHECK(info->at("pid") == ::getpid());
  CHECK(info->at("tcp") == 2001);
  CHECK(info->at("names_udp") == 2002);
  CHECK(info->at("names_tcp") == 2003);
}

TEST_CASE("gate methods: policies come, change and go") {
  Fixture f;
  f.set("a", {"a.org"});
  REQUIRE(f.guests.at(kAddress));
  CHECK(f.guests.at(kAddress)->policy() == *egress::Policy::make("none", {"a.org"}));
  f.set("a", {"b.org"});
  CHECK(f.guests.at(kAddress)->policy() == *egress::Policy::make("none", {"b.org"}));
  REQUIRE(f.call("gate.clear", {{"vm", "a"}}));
  CHECK_FALSE(f.guests.at(kAddress));
  CHECK(f.guests.find("a"));
  REQUIRE(f.call("gate.forget", {{"vm", "a"}}));
  CHECK_FALSE(f.guests.find("a"));
  CHECK(f.call("gate.clear", {{"vm", "nobody"}}));
}

TEST_CASE("gate methods: a value that the daemon lacks stays, or is that of the parent of a fork") {
  Fixture f;
  auto key = certs::make_key();
  REQUIRE(key);
  auto root = certs::make_root({.key_pem = *key, .subject = "banger"}, {"a.org"});
  REQUIRE(root);
  REQUIRE(f.call("gate.authority", {{"key", *key}, {"subject", "banger"}}));
  REQUIRE(f.call("gate.trust", {{"authorities", *root}}));
  auto missing = [&](const char* vm, const char* address, const Json& value, const char* like = "") {
    Json secret = {{"name", "A"}, {"placeholder", "banger-secret-A"}, {"value", value}, {"hosts", {"a.org"}}};
    Json params = {{"vm", vm},
                   {"address", address},
                   {"policy", {{"egress", "none"}, {"allow", {"a.org"}}}},
                   {"secrets", Json::array({secret})}};
    if (*like) params["like"] = like;
    auto answer = f.call("gate.set", params);
    REQUIRE(answer);
    return answer->at("missing") == Json::array({"A"});
  };
  CHECK(missing("a", "172.16.0.5", nullptr));
  CHECK_FALSE(missing("a", "172.16.0.5", "hush"));
  CHECK_FALSE(missing("a", "172.16.0.5", nullptr));
  CHECK(missing("b", "172.16.0.6", nullptr));
  CHECK(missing("b", "172.16.0.6", nullptr, "nobody"));
  CHECK_FALSE(missing("b", "172.16.0.6", nullptr, "a"));
  // A guest that has ended has none any more.
  REQUIRE(f.call("gate.clear", {{"vm", "a"}}));
  CHECK(missing("a", "172.16.0.5", nullptr));
}

TEST_CASE("gate methods: what is malformed is refused, and never becomes a policy") {
  Fixture f;
  const Json good = {{"vm", "a"}, {"address", "172.16.0.5"}, {"policy", {{"egress", "none"}}}};
  const std::pair<const char*, Json> bad[] = {{"vm", 3},
                                              {"vm", nullptr},
                                              {"address", "172.16.0"},
                                              {"address", 5},
                                              {"policy", nullptr},
                                              {"policy", "none"},
                                              {"policy", {{"egress", "Open"}}},
                                              {"policy", {{"allow", {"a:0"}}}},
                                              {"policy", {{"deny", Json::array()}}}};
  for (const auto& [key, value] : bad) {
    auto params = good;
    params[key] = value;
    INFO(dump_json(params));
    CHECK_FALSE(f.call("gate.set", params));
  }
  auto without = good;
  without.erase("policy");
  CHECK_FALSE(f.call("gate.set", without));
  CHECK_FALSE(f.guests.at(kAddress));
  CHECK_FALSE(f.call("gate.log", {{"vm", "a"}, {"since", -1}}));
  CHECK_FALSE(f.call("gate.log", {{"since", 0}}));
  CHECK_FALSE(f.call("gate.refusals", {{"after", "x"}}));
  CHECK_FALSE(f.call("gate.clear", Json::object()));
}

TEST_CASE("gate methods: the log of a guest, and of one that nobody knows") {
  Fixture f;
  f.set("a", {});
  f.guests.find("a")->note({.name = "x.org", .reason = Reason::name_not_allowed});
  auto log = f.call("gate.log", {{"vm", "a"}, {"since", 0}});
  REQUIRE(log);
  REQUIRE(log->at("rows").size() == 1);
  CHECK(log->at("rows")[0].at("name") == "x.org");
  CHECK(log->at("sequence") == 1);
  CHECK(log->at("forgotten") == 0);
  CHECK(log->at("more") == false);
  auto later = f.call("gate.log", {{"vm", "a"}, {"since", 1}});
  REQUIRE(later);
  CHECK(later->at("rows").empty());
  CHECK(later->at("sequence") == 1);
  auto unknown = f.call("gate.log", {{"vm", "b"}, {"since", 7}});
  REQUIRE(unknown);
  CHECK(unknown->at("rows").empty());
  CHECK(unknown->at("sequence") == 7);
  CHECK(unknown->at("more") == false);
}

TEST_CASE("gate methods: a long log comes in parts without a gap") {
  Fixture f;
  f.set("a", {});
  auto guest = f.guests.find("a");
  for (int i = 0; i < 1000; ++i) guest->note({.name = fmt::format("{:0>255}", i), .reason = Reason::name_not_allowed});
  std::uint64_t since = 0;
  std::size_t rows = 0, parts = 0;
  for (bool more = true; more; ++parts) {
    auto log = f.call("gate.log", {{"vm", "a"}, {"since", since}});
    REQUIRE(log);
    CHECK(dump_json(log->at("rows")).size() <= limits::kGateLogBytes + 2 * log->at("rows").size());
    for (const auto& row : log->at("rows")) CHECK(row.at("sequence") == ++rows);
    since = log->at("sequence");
    more = log->at("more");
  }
  CHECK(rows == 1000);
  CHECK(parts > 1);
}

TEST_CASE("gate methods: whoever asks for refusals waits for the first one") {
  Fixture f;
  f.set("a", {});
  auto asks = f.ask("gate.refusals", {{"after", 0}});
  CHECK_FALSE(f.answer(asks, 30ms));
  f.guests.find("a")->note({.name = "x.org", .reason = Reason::name_not_allowed});
  auto answer = f.answer(asks);
  REQUIRE(answer);
  REQUIRE(*answer);
  Json expected =
      Json::array({Json{{"sequence", 1}, {"vm", "a"}, {"sentence", "no rule of the policy allows the name x.org"}}});
  CHECK((*answer)->at("refusals") == expected);
  // One that is there already is told at once, and not again.
  CHECK(f.call("gate.refusals", {{"after", 0}})->at("refusals") == expected);
  CHECK_FALSE(f.answer(f.ask("gate.refusals", {{"after", 1}}), 30ms));
}

TEST_CASE("gate methods: the gate ends when it is told to, after its answer") {
  Fixture f;
  CHECK(f.call("gate.end", Json::object()));
  bool late = false;
  f.runtime.spawn([](host::Runtime& runtime, bool& out) -> Task<> {
    co_await runtime.sleep_for(30s);
    out = true;
    runtime.stop();
  }(f.runtime, late));
  f.runtime.io().restart();
  f.runtime.run();
  CHECK_FALSE(late);
}

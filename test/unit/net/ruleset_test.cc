#include "net/ruleset.h"

#include <nlohmann/json.hpp>

#include "catch.h"
#include "nft_commands.h"

using namespace banger;
using namespace banger::net;
using namespace nft_commands;

namespace {

const GuestPort kGuest{.tap = 3, .address = 0xac100005, .nat = true};

const Json kPort = {{"concat", {"bg-3", "52:54:ac:10:00:05", "172.16.0.5"}}};

Json chain(const char* family, const char* table, const char* name, const char* policy) {
  return {{"chain",
           {{"family", family},
            {"table", table},
            {"name", name},
            {"hook", "forward"},
            {"type", "filter"},
            {"policy", policy},
            {"prio", 0}}}};
}
Json rule(const char* table, const char* name, const char* comment, std::vector<Json> expressions, int handle) {
  return {{"rule",
           {{"family", "ip"},
            {"table", table},
            {"chain", name},
            {"comment", comment},
            {"expr", std::move(expressions)},
            {"handle", handle}}}};
}
Json list(Json entries) { return {{"nftables", std::move(entries)}}; }

}  // namespace

TEST_CASE("ruleset: private ranges outside are closed to the addresses in a set") {
  auto closed = lan_rules("br-x", kGuest.address, Lan::closed);
  CHECK(count(closed, element("add", "nolan", "172.16.0.5")) == 1);
  CHECK(count(closed, element("delete", "nolan", "172.16.0.5")) == 0);
  CHECK(count(lan_rules("br-x", kGuest.address, Lan::open), element("delete", "nolan", "172.16.0.5")) == 1);
  // The next guest with that address is not more open for a moment.
  CHECK(count(without_guest("br-x", kGuest), element("delete", "nolan", "172.16.0.5")) == 0);
  // The rule comes before the one that lets guests out. Programs in the guest learn at once.
  auto rules = rules_of(base_rules("br-x"), "ip", "forward");
  auto closes = find_rule(rules, {"@nolan", R"("reject":{"expr":"admin-prohibited","type":"icmp"})"});
  REQUIRE(closes < rules.size());
  CHECK(closes < find_rule(rules, {R"("saddr")", R"("@nat")", R"("accept")"}));
  for (const char* range : {R"("addr":"10.0.0.0","len":8)", R"("addr":"100.64.0.0","len":10)",
                            R"("addr":"172.16.0.0","len":12)", R"("addr":"192.168.0.0","len":16)"})
    CHECK(rules[closes].find(range) != std::string::npos);
}

TEST_CASE("ruleset: a guest is admitted with its tap, MAC and address, and to nat if it has nat") {
  auto commands = guest_rules("br-x", kGuest);
  CHECK(count(commands, element("add", "guests", kPort)) == 1);
  CHECK(count(commands, element("add", "nat", "172.16.0.5")) == 1);
  CHECK(count(commands, element("delete", "nat", "172.16.0.5")) == 0);
  auto without = guest_rules("br-x", {.tap = 3, .address = 0xac100005, .nat = false});
  CHECK(count(without, element("add", "guests", kPort)) == 1);
  CHECK(count(without, element("delete", "nat", "172.16.0.5")) == 1);
}

TEST_CASE("ruleset: taking a guest off works when it is not on: each element is added before it is deleted") {
  auto commands = without_guest("br-x", kGuest);
  for (const char* verb : {"add", "delete"}) {
    CHECK(count(commands, element(verb, "guests", kPort)) == 1);
    CHECK(count(commands, element(verb, "nat", "172.16.0.5")) == 1);
  }
}

TEST_CASE("ruleset: packets over a guest's bandwidth are dropped in both directions, before anything else is asked") {
  auto limited = kGuest;
  limited.bandwidth = 10 << 20;
  auto commands = guest_rules("br-x", limited);
  for (auto [map, side, chain] :
       {std::tuple{"ratefrom", "iifname", "prerouting"}, {"rateto", "oifname", "postrouting"}}) {
    auto name = std::string(map) + "3";
    CHECK(count(commands, element("add", map, Json::array({"bg-3", name}))) == 2);
    CHECK(count(commands, {{"add", {{"limit", {{"name", name}, {"rate", 10 << 20}, {"inv", true}}}}}}) == 2);
    auto rules = rules_of(commands, "bridge", chain);
    auto drops = find_rule(rules, {side, std::string("@") + map, R"("drop")"});
    CHECK(drops == (chain == std::string_view("prerouting") ? 1 : 0));
  }
}

TEST_CASE("ruleset: a limit is made anew, because the kernel changes none, and goes with the guest") {
  auto without = guest_rules("br-x", kGuest), gone = without_guest("br-x", kGuest);
  for (const auto& commands : {without, gone})
    for (const char* map : {"ratefrom", "rateto"}) {
      auto name = std::string(map) + "3";
      CHECK(count(commands, element("add", map, Json::array({"bg-3", name}))) == 1);
      CHECK(count(commands, element("delete", map, "bg-3")) == 1);
      CHECK(count(commands, {{"delete", {{"limit", {{"name", name}}}}}}) == 1);
    }
}

TEST_CASE("ruleset: making the tables again keeps their guests, and adds no rule twice") {
  auto commands = base_rules("br-x");
  CHECK(count(commands, {{"flush", {{"chain", {{"name", "forward"}}}}}}) == 1);
  CHECK(count(commands, {{"flush", {{"set", Json::object()}}}}) == 0);
  CHECK(count(commands, {{"delete", Json::object()}}) == 0);
  for (const auto& command : commands.at("nftables"))
    CHECK(command.begin()->begin()->value("table", "banger") == "banger");
}

TEST_CASE("ruleset: what comes out of a tap is dropped unless it is known") {
  auto rules = rules_of(base_rules("br-x"), "bridge", "prerouting");
  REQUIRE(!rules.empty());
  CHECK(rules.back() == R"([{"drop":null}])");
  // All that are not about the tap of a known guest, or about ports that are no taps, close something.
  for (const auto& rule : rules)
    CHECK((rule.find("@guests") != rule.npos || rule.find(R"("bg-*")") != rule.npos ||
           rule.find(R"("drop")") != rule.npos));
}

TEST_CASE("ruleset: only guests in the set of their own reach link-local addresses") {
  auto base = base_rules("br-x");
  // The refusal comes before the rule that lets guests with nat pass. What is for this host gets no answer.
  for (auto [chain, refusal] : {std::pair{"forward", R"("reject")"}, {"input", R"("drop")"}}) {
    auto rules = rules_of(base, "ip", chain);
    auto closes = find_rule(rules, {R"("addr":"169.254.0.0","len":16)", R"("op":"!=","right":"@linklocal")", refusal});
    REQUIRE(closes < rules.size());
    CHECK(closes < find_rule(rules, {R"("saddr")", R"("@nat")", R"("accept")"}));
  }
  CHECK(count(guest_rules("br-x", kGuest), element("delete", "linklocal", "172.16.0.5")) == 1);
  auto open = guest_rules("br-x", {.tap = 3, .address = 0xac100005, .nat = true, .link_local = true});
  CHECK(count(open, element("delete", "linklocal", "172.16.0.5")) == 0);
  CHECK(count(open, element("add", "linklocal", "172.16.0.5")) == 1);
  CHECK(count(without_guest("br-x", kGuest), element("delete", "linklocal", "172.16.0.5")) == 1);
}

TEST_CASE("ruleset: a forward chain of others is closed by its policy or its last rule") {
  Json drop = {{"drop", nullptr}}, reject = {{"reject", nullptr}}, counter = {{"counter", nullptr}},
       accept = {{"accept", nullptr}};
  auto ruleset = list({chain("ip", "filter", "FORWARD", "drop"), chain("ip", "open", "forward", "accept"),
                       chain("ip", "wall", "forward", "accept"), chain("ip6", "filter", "FORWARD", "drop"),
                       chain("ip", "banger", "forward", "drop"), rule("wall", "forward", "", {accept}, 1),
                       rule("wall", "forward", "", {counter, reject}, 2), rule("open", "forward", "", {drop}, 3),
                       rule("open", "forward", "", {counter, accept}, 4)});
  auto closed = closed_chains(ruleset, "br-x");
  REQUIRE(closed.size() == 2);
  CHECK(closed[0].table == "filter");
  CHECK(closed[1].table == "wall");
  auto commands = open_chains(closed, "br-x");
  REQUIRE(commands.at("nftables").size() == 4);
  for (const auto& command : commands.at("nftables")) {
    CHECK(command.at("insert").at("rule").at("comment") == "banger br-x");
    // iptables-nft refuses a whole table over one expression it does not know.
    CHECK(command["insert"]["rule"]["expr"].size() == 2);
    CHECK(command["insert"]["rule"]["expr"][0]["match"]["right"] == "br-x");
  }
}

TEST_CASE("ruleset: a chain that is open already is left alone, and closed again by the handles of our rules only") {
  Json accept = {{"accept", nullptr}};
  auto ruleset =
      list({chain("ip", "filter", "FORWARD", "drop"), rule("filter", "FORWARD", "banger br-x", {accept}, 7),
            rule("filter", "FORWARD", "banger br-x", {accept}, 8),
            rule("filter", "FORWARD", "banger br-y", {accept}, 9), rule("filter", "FORWARD", "", {accept}, 10)});
  CHECK(open_chains(closed_chains(ruleset, "br-x"), "br-x").is_null());
  auto commands = without_all(ruleset, "br-x");
  CHECK(count(commands, {{"delete", {{"rule", {{"table", "filter"}}}}}}) == 2);
  CHECK(count(commands, {{"delete", {{"rule", {{"handle", 7}}}}}}) == 1);
  CHECK(count(commands, {{"delete", {{"rule", {{"handle", 8}}}}}}) == 1);
  for (const char* family : {"ip", "bridge"})
    CHECK(count(commands, {{"delete", {{"table", {{"family", family}, {"name", "banger"}}}}}}) == 1);
}

TEST_CASE("ruleset: who is on a tap is read from the ruleset; nonsense in it is passed over") {
  auto ruleset = list(
      {{{"set",
         {{"family", "bridge"},
          {"table", "banger"},
          {"name", "guests"},
          {"elem", {kPort, {{"concat", {"bg-4", "52:54:ac:10:00:06", "172.16.0.6"}}}, {{"concat", {1, 2}}}, "x"}}}}},
       {{"set", {{"family", "bridge"}, {"table", "other"}, {"elem", {kPort}}}}},
       7,
       {{"rule", 3}}});
  auto guests = guests_on(ruleset, 3);
  REQUIRE(guests.size() == 1);
  CHECK(guests[0].address == 0xac100005u);
  CHECK(guests_on(Json("text"), 3).empty());
  CHECK(closed_chains(Json::object(), "br-x").empty());
}

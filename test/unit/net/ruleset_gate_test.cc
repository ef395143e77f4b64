// Guests with an egress policy: what leads their packets to the gate, and what drops everything else.
#include <nlohmann/json.hpp>

#include "catch.h"
#include "net/ruleset.h"
#include "nft_commands.h"

using namespace banger;
using namespace banger::net;
using namespace nft_commands;

namespace {

GuestPort guest(Gated gated) {
  return {.tap = 3,
          .address = 0xac100005,
          .nat = true,
          .link_local = true,
          .gated = gated,
          .gate = 0xac100001,
          .ports = {.tcp = 1001, .names_udp = 1002, .names_tcp = 1003}};
}
constexpr const char* kAddress = "172.16.0.5";

struct Set {
  const char *family, *name;
  bool member;
};

void has_sets(const Json& commands, std::initializer_list<Set> sets) {
  for (const auto& [family, name, member] : sets) {
    INFO(family << " " << name);
    // nft fails to delete what is missing, so it is added first.
    CHECK(count(commands, element("add", family, name, kAddress)) == 1);
    CHECK(count(commands, element("delete", family, name, kAddress)) == (member ? 0 : 1));
  }
}

Json flush(const char* family) { return {{"flush", {{"chain", {{"family", family}, {"name", "gate"}}}}}}; }

}  // namespace

TEST_CASE("ruleset: a gated guest is in no set that lets it pass by itself") {
  auto commands = guest_rules("br-x", guest(Gated::all));
  has_sets(commands, {{"bridge", "gated", true},
                      {"ip", "gated", true},
                      {"ip", "gatedclosed", false},
                      {"ip", "nat", false},
                      {"ip", "linklocal", false}});
  Json port = {{"concat", {"bg-3", "52:54:ac:10:00:05", kAddress}}};
  CHECK(count(commands, element("add", "bridge", "guests", port)) == 1);
}

TEST_CASE("ruleset: a guest with closed gating passes, but for what is closed to it") {
  has_sets(guest_rules("br-x", guest(Gated::closed)), {{"bridge", "gated", false},
                                                       {"ip", "gated", false},
                                                       {"ip", "gatedclosed", true},
                                                       {"ip", "nat", true},
                                                       {"ip", "linklocal", true}});
}

TEST_CASE("ruleset: a guest that is not gated leaves the sets of the gate") {
  has_sets(guest_rules("br-x", guest(Gated::none)), {{"bridge", "gated", false},
                                                     {"ip", "gated", false},
                                                     {"ip", "gatedclosed", false},
                                                     {"ip", "nat", true},
                                                     {"ip", "linklocal", true}});
}

TEST_CASE("ruleset: a guest that ends leaves all sets, however it was gated") {
  for (auto gated : {Gated::none, Gated::closed, Gated::all})
    has_sets(without_guest("br-x", guest(gated)), {{"bridge", "gated", false},
                                                   {"ip", "gated", false},
                                                   {"ip", "gatedclosed", false},
                                                   {"ip", "nat", false},
                                                   {"ip", "linklocal", false}});
}

TEST_CASE("ruleset: the gate's ports change with gated guests only") {
  auto gate_rules = [](const Json& commands) {
    return rules_of(commands, "ip", "gate").size() + rules_of(commands, "bridge", "gate").size();
  };
  for (const auto& commands : {base_rules("br-x"), guest_rules("br-x", guest(Gated::none)),
                               without_guest("br-x", guest(Gated::all)), lan_rules("br-x", 0xac100005, Lan::closed)}) {
    for (const char* family : {"bridge", "ip"}) {
      CHECK(count(commands, {{"add", {{"chain", {{"family", family}, {"name", "gate"}}}}}}) == 1);
      CHECK(count(commands, flush(family)) == 0);
    }
    CHECK(gate_rules(commands) == 0);
  }
  for (auto gated : {Gated::closed, Gated::all}) {
    auto commands = guest_rules("br-x", guest(gated));
    CHECK(count(commands, flush("bridge")) == 1);
    CHECK(count(commands, flush("ip")) == 1);
    CHECK(gate_rules(commands) == 4);
  }
}

TEST_CASE("ruleset: lookups go to the gate's ports for names, and all other connections to its port for TCP") {
  auto commands = guest_rules("br-x", guest(Gated::all));
  auto rules = rules_of(commands, "ip", "gate");
  REQUIRE(rules.size() == 3);
  CHECK(find_rule(rules, {R"("udp")", R"("right":53)", R"("redirect":{"port":1002})"}) == 0);
  CHECK(find_rule(rules, {R"("protocol":"tcp")", R"("right":53)", R"("redirect":{"port":1003})"}) == 1);
  CHECK(find_rule(rules, {R"("l4proto")", R"("right":"tcp")", R"("redirect":{"port":1001})"}) == 2);
}

TEST_CASE("ruleset: frames of gated guests to other guests are led to the bridge") {
  auto rules = rules_of(guest_rules("br-x", guest(Gated::all)), "bridge", "gate");
  REQUIRE(rules.size() == 1);
  CHECK(rules[0] ==
        R"([{"mangle":{"key":{"payload":{"field":"daddr","protocol":"ether"}},"value":"52:54:ac:10:00:01"}},)"
        R"({"mangle":{"key":{"meta":{"key":"pkttype"}},"value":"host"}},{"accept":null}])");
}

TEST_CASE("ruleset: what the gate does not take of a gated guest's frames is dropped") {
  auto rules = rules_of(base_rules("br-x"), "bridge", "prerouting");
  auto answers = find_rule(rules, {"@guests", "@gated", R"("ack")", R"("accept")"}),
       jumps = find_rule(rules, {"@guests", "@gated", R"("jump":{"target":"gate"})"}),
       drops = find_rule(rules, {"@gated", R"("drop")"});
  // Answers to connections that others have opened are not the gate's.
  CHECK(answers < jumps);
  CHECK(rules.at(answers).find(
            R"({"left":{"&":[{"payload":{"field":"flags","protocol":"tcp"}},"ack"]},"op":"==","right":"ack"})") !=
        std::string::npos);
  // An empty chain returns, and the frame must not come to the rule that lets all guests pass.
  CHECK(drops == jumps + 1);
  auto passes = std::ranges::find_if(
      rules, [](const auto& rule) { return rule.find("@guests") != rule.npos && rule.find("@gated") == rule.npos; });
  REQUIRE(passes != rules.end());
  CHECK(drops < static_cast<std::size_t>(passes - rules.begin()));
}

TEST_CASE("ruleset: connections of gated guests are led away before other programs could do so") {
  auto base = base_rules("br-x");
  CHECK(count(base, {{"add",
                      {{"chain", {{"family", "ip"}, {"name", "prerouting"}, {"type", "nat"}, {"prio", -110}}}}}}) == 1);
  auto rules = rules_of(base, "ip", "prerouting");
  REQUIRE(rules.size() == 3);
  for (const auto& rule : rules) {
    CHECK(rule.find(R"("left":{"meta":{"key":"iifname"}},"op":"==","right":"br-x")") != std::string::npos);
    CHECK(rule.ends_with(R"({"jump":{"target":"gate"}}])"));
  }
  CHECK(rules[0].find(R"("right":"@gated")") != std::string::npos);
  CHECK(rules[0].find("l4proto") == std::string::npos);
}

TEST_CASE("ruleset: with closed gating only connections to closed addresses are led away") {
  auto rules = rules_of(base_rules("br-x"), "ip", "prerouting");
  auto link_local = find_rule(
      rules, {"@gatedclosed", R"("right":"tcp")", R"("addr":"169.254.0.0")", R"("op":"!=","right":"@linklocal")"});
  auto lan = find_rule(rules, {"@gatedclosed", R"("right":"tcp")", "@nolan", R"("addr":"10.0.0.0","len":8)"});
  CHECK(link_local < rules.size());
  CHECK(lan < rules.size());
  CHECK(link_local != lan);
}

TEST_CASE("ruleset: of a gated guest, only what the firewall has led to the gate comes in") {
  auto rules = rules_of(base_rules("br-x"), "ip", "input");
  auto led = find_rule(rules, {R"("right":"@gated")", R"("key":"status")", R"("dnat")", R"("accept")"}),
       nat = find_rule(rules, {R"("@nat")", R"("accept")"}),
       answers = find_rule(rules, {R"("key":"direction")", R"("reply")", R"("accept")"}),
       closes = find_rule(rules, {R"("right":"@gated")", R"("reject")"});
  // What is led there may have any destination, link-local ones too.
  CHECK(led < find_rule(rules, {"@linklocal"}));
  CHECK(led < nat);
  CHECK(nat < answers);
  CHECK(answers < closes);
  CHECK(closes == rules.size() - 2);
  CHECK(rules.back() == R"([{"drop":null}])");
}

TEST_CASE("ruleset: nothing of a gated guest is forwarded but answers, and its programs learn at once") {
  auto rules = rules_of(base_rules("br-x"), "ip", "forward");
  auto answers = find_rule(rules, {R"("right":"@gated")", R"("right":"ack")", R"("accept")"});
  auto closes = find_rule(rules, {R"("right":"@gated")", R"("reject")"});
  // Both come before the rule for packets from the bridge to the bridge, which is for all guests.
  CHECK(answers + 1 == closes);
  CHECK(closes <
        find_rule(rules, {R"("iifname"}},"op":"==","right":"br-x")", R"("oifname"}},"op":"==","right":"br-x")"}));
  CHECK(rules.back() == R"([{"drop":null}])");
}

TEST_CASE("ruleset: addresses of the host are closed to all guests, and replaced as a whole") {
  auto rules = rules_of(base_rules("br-x"), "ip", "forward");
  CHECK(find_rule(rules, {"@ofhost", R"("reject")"}) < find_rule(rules, {R"("right":"@nat")", R"("iifname")"}));
  auto commands = host_rules("br-x", {0x5db8d822});
  CHECK(count(commands, {{"flush", {{"set", {{"name", "ofhost"}}}}}}) == 1);
  CHECK(count(commands, element("add", "ofhost", "93.184.216.34")) == 1);
}

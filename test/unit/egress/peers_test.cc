// The other VMs: names below .vm open their addresses although the range is closed, and no other name does.
#include "catch.h"
#include "dns_answers.h"
#include "egress/answer.h"
#include "egress/name_gate.h"
#include "egress/verdict.h"
#include "tls_wire.h"

using namespace banger;
using namespace banger::egress;
using namespace dns_answers;
using namespace std::chrono_literals;

namespace {

constexpr Instant kNow(16000s);
constexpr Ipv4 kPeer = 0xac100007, kHost = 0xac100001, kOutside = 0xac100107;  // 172.16.0.0/24, and beyond it
constexpr const char* kPeerText = "172.16.0.7";

Policy make(const std::vector<std::string>& rules, const char* egress = "none") {
  auto policy = *Policy::make(egress, rules);
  policy.set_peers({0xac100000, 24});
  policy.set_host_addresses({kHost});
  return policy;
}
const Policy kPolicy = make({"*.vm:8080", "*.example.org"});

FilteredAnswer filter(const Policy& policy, const std::string& name, const std::vector<Part>& parts) {
  auto packet = net::read_dns(answer({.name = name}, parts));
  REQUIRE(packet);
  return filter_answer(policy, *packet);
}

Openings opened_at(Ipv4 address, const Policy& policy = kPolicy) {
  Openings openings;
  openings.open({{address, "web.vm", policy.ports_of("web.vm"), kNow + 64s}}, kNow);
  return openings;
}

}  // namespace

TEST_CASE("peers: the addresses of VMs, without this host's own") {
  CHECK(kPolicy.is_peer(kPeer));
  CHECK(kPolicy.is_peer(0xac1000ff));
  CHECK_FALSE(kPolicy.is_peer(kOutside));
  CHECK_FALSE(kPolicy.is_peer(0xac0fffff));
  CHECK_FALSE(kPolicy.is_peer(kHost));
  CHECK_FALSE(Policy().is_peer(kPeer));
  CHECK_FALSE(Policy().is_peer(0));
}

TEST_CASE("peers: they stay closed, and are not part of a policy's value") {
  CHECK(kPolicy.is_closed(kPeer));
  CHECK_FALSE(kPolicy.names_address(kPeer));
  CHECK_FALSE(kPolicy.allows_address(kPeer, 8080));
  auto without = *Policy::make("none", {"*.vm:8080", "*.example.org"});
  CHECK(without == kPolicy);
  CHECK(to_json(without) == to_json(kPolicy));
}

TEST_CASE("peers: a name of a VM opens the VM's address") {
  for (const char* name : {"web.vm", "a.b.vm", "WEB.VM"}) {
    INFO(name);
    auto filtered = filter(kPolicy, name, {a(name, kPeerText)});
    CHECK(filtered.reason == Reason::allowed);
    CHECK(filtered.records.size() == 1);
    CHECK(filtered.opens == std::vector<Ipv4>{kPeer});
    CHECK(filtered.withheld.empty());
  }
}

TEST_CASE("peers: no other name opens a VM's address, whatever its aliases are") {
  for (const char* name : {"www.example.org", "vm.example.org", "xvm", "web.vmx", "web.xvm", "web.vm.example.org"}) {
    INFO(name);
    for (const auto& parts : {std::vector<Part>{a(name, kPeerText)}, {alias(name, "web.vm"), a("web.vm", kPeerText)}}) {
      auto filtered = filter(kPolicy, name, parts);
      CHECK(filtered.reason == Reason::answer_closed);
      CHECK(filtered.opens.empty());
      CHECK(filtered.withheld == std::vector<Ipv4>{kPeer});
    }
  }
}

TEST_CASE("peers: a name of a VM opens no other closed address, and never this host") {
  for (const char* address : {"172.16.0.1", "172.16.1.7", "10.0.0.1", "127.0.0.1", "169.254.169.254"}) {
    INFO(address);
    auto filtered = filter(kPolicy, "web.vm", {a("web.vm", address)});
    CHECK(filtered.reason == Reason::answer_closed);
    CHECK(filtered.records.empty());
    CHECK(filtered.opens.empty());
  }
}

TEST_CASE("peers: without a range there are none") {
  auto policy = *Policy::make("none", {"*.vm"});
  CHECK(filter(policy, "web.vm", {a("web.vm", kPeerText)}).reason == Reason::answer_closed);
}

TEST_CASE("peers: an opening has the name's ports") {
  auto question = gate_question(kPolicy, dns_wire::query({.name = "web.vm"}));
  REQUIRE(question.step == Step::ask);
  auto gated = gate_answer(kPolicy, question, answer({.name = "web.vm"}, {a("web.vm", kPeerText, 64)}), 7, Carrier::udp,
                           Carrier::udp, kNow);
  CHECK(gated.openings == std::vector<Opening>{{kPeer, "web.vm", PortRange{8080, 8080}, kNow + 64s}});
}

TEST_CASE("peers: an opened VM is reached on the name's ports, by the connection's own name") {
  auto openings = opened_at(kPeer);
  CHECK(judge_address(kPolicy, openings, {kPeer, 8080}, kNow) == Verdict{Reason::allowed, "web.vm", true});
  CHECK(judge_address(kPolicy, openings, {kPeer, 80}, kNow) == Verdict{Reason::port_closed, "web.vm", false});
  CHECK(judge_address(kPolicy, openings, {kPeer + 1, 8080}, kNow).reason == Reason::address_closed);
  CHECK(judge_address(kPolicy, openings, {kPeer, 8080}, kNow + 64s).reason == Reason::address_closed);
  auto tls = [&](const char* name) {
    ClientHelloParser hello;
    auto state = hello.feed(tls_wire::usual(name));
    return judge_tls(kPolicy, openings, {kPeer, 8080}, state, hello.hello(), kNow).reason;
  };
  CHECK(tls("web.vm") == Reason::allowed);
  CHECK(tls("evil.org") == Reason::name_not_allowed);
}

TEST_CASE("peers: an opening outside of the range, or at this host, opens nothing") {
  CHECK(judge_address(kPolicy, opened_at(kOutside), {kOutside, 8080}, kNow).reason == Reason::address_closed);
  CHECK(judge_address(kPolicy, opened_at(kOutside), {kOutside, 80}, kNow).reason == Reason::address_closed);
  CHECK(judge_address(kPolicy, opened_at(kHost), {kHost, 8080}, kNow).reason == Reason::address_of_host);
  auto without = *Policy::make("none", {"*.vm:8080"});
  CHECK(judge_address(without, opened_at(kPeer), {kPeer, 8080}, kNow).reason == Reason::address_closed);
}

TEST_CASE("peers: a rule for an address of the range opens it without any lookup") {
  auto policy = make({"172.16.0.7:22", "172.16.0.0/24:80"});
  CHECK(judge_address(policy, {}, {kPeer, 22}, kNow) == Verdict{Reason::allowed, "", false});
  CHECK(judge_address(policy, {}, {kPeer, 80}, kNow).allowed());
  CHECK(judge_address(policy, {}, {kPeer, 8080}, kNow).reason == Reason::port_closed);
  CHECK(judge_address(policy, {}, {kHost, 80}, kNow).reason == Reason::address_of_host);
}

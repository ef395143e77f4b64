// The arguments that the root operations of bridge networking accept. test/unit/net and test/net test the effects.
#include <nlohmann/json.hpp>
#include <set>

#include "capabilities/capability.h"
#include "catch.h"

using namespace banger;
using namespace banger::capabilities;

namespace {

const Logger kLog{-1};
PrivilegedContext context() {
  return {.owner_uid = 1000,
          .owner_gid = 1000,
          .bridge_name = "br-t",
          .bridge_ip = "172.16.0.1",
          .prefix = 24,
          .roots = {},
          .log = kLog};
}

std::span<const PrivilegedOperation> operations() {
  for (const auto* capability : all())
    if (capability->name == "bridge") return capability->privileged_ops;
  return {};
}

const PrivilegedOperation& operation(std::string_view name) {
  for (const auto& each : operations())
    if (each.name == name) return each;
  FAIL("no operation " << name);
  throw 0;
}

bool accepts(std::string_view name, const Json& arguments) {
  return operation(name).validate(context(), arguments).has_value();
}

}  // namespace

TEST_CASE("bridge operations: each has a summary, an effect, and an undo that is one of them with no other arguments") {
  std::set<std::string_view> names;
  REQUIRE(!operations().empty());
  for (const auto& each : operations()) {
    INFO(each.name);
    CHECK(names.insert(each.name).second);
    CHECK(!each.summary.empty());
    CHECK(each.validate != nullptr);
    CHECK(each.effect != nullptr);
    if (each.undo.empty()) continue;
    const auto& undo = operation(each.undo);
    REQUIRE(undo.arguments.size() <= each.arguments.size());
    for (std::size_t i = 0; i < undo.arguments.size(); ++i) CHECK(undo.arguments[i].name == each.arguments[i].name);
  }
}

TEST_CASE("bridge operations: a tap is a number of those there may be") {
  for (const char* name : {"tap.create", "tap.delete"}) {
    auto takes = [&](Json tap) { return accepts(name, {{"tap", std::move(tap)}, {"daemon", 7}}); };
    CHECK(takes(1));
    CHECK(takes(4096));
    for (std::int64_t bad : {std::int64_t{0}, std::int64_t{-1}, std::int64_t{4097}, std::int64_t{1} << 40})
      CHECK_FALSE(takes(bad));
    CHECK_FALSE(takes("1; reboot"));
    CHECK_FALSE(accepts(name, Json::object()));
  }
  CHECK(accepts("tap.create", {{"tap", 1}, {"daemon", 0xffffffff}}));
  for (std::int64_t bad : {std::int64_t{-1}, std::int64_t{1} << 32})
    CHECK_FALSE(accepts("tap.create", {{"tap", 1}, {"daemon", bad}}));
}

TEST_CASE("bridge operations: a guest's address is one of a host in the install's range, and not the bridge's") {
  auto guest = [](const char* address) {
    return Json{{"tap", 3},        {"address", address}, {"nat", true}, {"link_local", false},
                {"gated", "none"}, {"bandwidth", 0}};
  };
  for (const char* name : {"nat.set", "nat.clear"}) {
    CHECK(accepts(name, guest("172.16.0.5")));
    for (const char* bad : {"172.16.0.1", "172.16.0.0", "172.16.0.255", "172.16.1.5", "8.8.8.8", "0.0.0.0", "",
                            "172.16.0.5/24", "::1", "@nat"})
      CHECK_FALSE(accepts(name, guest(bad)));
    CHECK_FALSE(accepts(name, {{"tap", 3}, {"address", 5}, {"nat", true}, {"link_local", false}, {"gated", "none"}}));
    Json no_tap = guest("172.16.0.5");
    no_tap["tap"] = 0;
    CHECK_FALSE(accepts(name, no_tap));
  }
}

TEST_CASE("bridge operations: a gated guest has three ports of the gate, none of them a service of the host") {
  Json guest = {{"tap", 3},       {"address", "172.16.0.5"}, {"nat", true}, {"link_local", false},
                {"gated", "all"}, {"bandwidth", 0}};
  guest.update({{"gate_tcp", 1024}, {"gate_names_udp", 65535}, {"gate_names_tcp", 40000}});
  CHECK(accepts("nat.set", guest));
  guest["gated"] = "closed";
  CHECK(accepts("nat.set", guest));
  for (const char* port : {"gate_tcp", "gate_names_udp", "gate_names_tcp"}) {
    for (const auto& bad : {Json(0), Json(1023), Json(65536), Json(-1), Json("40000"), Json()}) {
      auto wrong = guest;
      wrong[port] = bad;
      CHECK_FALSE(accepts("nat.set", wrong));
      // Without a gate the ports do not matter.
      wrong["gated"] = "none";
      CHECK(accepts("nat.set", wrong));
    }
    auto wrong = guest;
    wrong.erase(port);
    CHECK_FALSE(accepts("nat.set", wrong));
  }
  for (const auto& bad : {Json("some"), Json(""), Json(true), Json()}) {
    guest["gated"] = bad;
    CHECK_FALSE(accepts("nat.set", guest));
  }
  guest.erase("gated");
  CHECK_FALSE(accepts("nat.set", guest));
}

TEST_CASE("bridge operations: the bandwidth of a guest is a rate that the firewall can count") {
  Json guest = {{"tap", 3}, {"address", "172.16.0.5"}, {"nat", true}, {"link_local", false}, {"gated", "none"}};
  CHECK_FALSE(accepts("nat.set", guest));
  for (const auto& good : {Json(0), Json(1), Json(std::uint64_t{4} << 30)}) {
    guest["bandwidth"] = good;
    CHECK(accepts("nat.set", guest));
  }
  for (const auto& bad : {Json(-1), Json((std::uint64_t{4} << 30) + 1), Json("1M"), Json(), Json(1.5)}) {
    guest["bandwidth"] = bad;
    CHECK_FALSE(accepts("nat.set", guest));
  }
}

TEST_CASE("bridge operations: an install whose bridge makes no sense can do nothing") {
  auto wrong = context();
  wrong.bridge_ip = "8.8.8.8";
  for (const auto& each : operations())
    CHECK_FALSE(each.validate(
        wrong, {{"tap", 3}, {"address", "8.8.8.9"}, {"nat", true}, {"link_local", false}, {"gated", "none"}}));
}

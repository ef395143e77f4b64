// Which guest has which policy, what becomes of the old one's connections, and what the daemon is told.
#include "roles/gate/guests.h"

#include <fmt/format.h>

#include "catch.h"
#include "roles/gate/bounds.h"

using namespace banger;
using namespace banger::roles::gate;
using namespace std::chrono_literals;
using egress::Reason;

namespace {

constexpr net::Ipv4 kAddress = 0xac100005, kOther = 0xac100006, kOfHost = 0x5db8d801, kOutside = 0x5db8d822;

egress::Policy make(const std::vector<std::string>& rules, const char* egress = "none") {
  return *egress::Policy::make(egress, rules);
}

struct Fixture {
  GuestPtr set(const char* vm, net::Ipv4 address, const std::vector<std::string>& rules) {
    REQUIRE(guests.set(vm, address, make(rules)));
    return guests.find(vm);
  }
  host::Runtime runtime;
  Guests guests{runtime, {0xac100000, 24}, [](net::Ipv4 address) { return address == kOfHost; }};
};

/// A connection by one name.
struct ByName final : Passage {
  ByName(Guest& owner, std::string n) : guest(owner), name(std::move(n)) { guest.passages().insert(this); }
  ~ByName() override { guest.passages().erase(this); }
  bool is_allowed_by(const egress::Policy& policy) const override { return policy.allows(name, 443); }
  void cut() override { ++cuts; }
  Guest& guest;
  std::string name;
  int cuts = 0;
};

void open(Guest& guest, const std::string& name) {
  guest.openings().open({{kOutside, name, guest.policy().ports_of(name), now() + 1min}}, now());
}

}  // namespace

TEST_CASE("gate guests: a guest is found by its address and by its VM") {
  Fixture f;
  auto guest = f.set("a", kAddress, {"a.org"});
  REQUIRE(guest);
  CHECK(f.guests.at(kAddress) == guest);
  CHECK(f.guests.find("a") == guest);
  CHECK_FALSE(f.guests.at(kOther));
  CHECK_FALSE(f.guests.at(0));
  CHECK_FALSE(f.guests.find("b"));
  CHECK(guest->policy() == make({"a.org"}));
  CHECK(guest->policy().is_peer(kOther));
}

TEST_CASE("gate guests: a new policy cuts what it does not allow, and closes what it does not open") {
  Fixture f;
  auto guest = f.set("a", kAddress, {"a.org", "b.org"});
  open(*guest, "a.org");
  open(*guest, "b.org");
  ByName a(*guest, "a.org"), b(*guest, "b.org");
  auto before = guest->generation();
  f.set("a", kAddress, {"b.org:443"});
  CHECK(f.guests.find("a") == guest);
  CHECK(guest->generation() > before);
  CHECK(a.cuts == 1);
  CHECK(b.cuts == 0);
  CHECK(guest->openings().names_for(kOutside, now()) == std::vector<std::string>{"b.org"});
  CHECK_FALSE(guest->openings().is_open(kOutside, 80, now()));
  CHECK(f.guests.passages() == 2);
}

TEST_CASE("gate guests: a guest that is cleared has nothing but its log") {
  Fixture f;
  auto guest = f.set("a", kAddress, {"a.org"});
  open(*guest, "a.org");
  ByName a(*guest, "a.org");
  guest->note({.name = "x", .reason = Reason::name_not_allowed});
  auto before = guest->generation();
  f.guests.clear("a");
  CHECK_FALSE(f.guests.at(kAddress));
  CHECK(a.cuts == 1);
  CHECK(guest->generation() > before);
  CHECK_FALSE(guest->openings().has(kOutside, now()));
  REQUIRE(f.guests.find("a") == guest);
  CHECK(guest->log().since(0).size() == 1);
  f.guests.forget("a");
  CHECK_FALSE(f.guests.find("a"));
  f.guests.clear("a");
  f.guests.forget("b");
}

TEST_CASE("gate guests: an address that another VM had is the new VM's alone") {
  Fixture f;
  auto old = f.set("a", kAddress, {"a.org"});
  ByName passage(*old, "a.org");
  auto guest = f.set("b", kAddress, {"b.org"});
  CHECK(f.guests.at(kAddress) == guest);
  CHECK(passage.cuts == 1);
  // The end of the old VM, which comes late, is not the end of the new one.
  f.guests.clear("a");
  f.guests.forget("a");
  CHECK(f.guests.at(kAddress) == guest);
  CHECK(guest->policy() == make({"b.org"}));
}

TEST_CASE("gate guests: a VM with another address than before has the old one no more") {
  Fixture f;
  auto guest = f.set("a", kAddress, {"a.org"});
  f.set("a", kOther, {"a.org"});
  CHECK_FALSE(f.guests.at(kAddress));
  CHECK(f.guests.at(kOther) == guest);
}

TEST_CASE("gate guests: this host's own addresses are closed at the moment of a connection") {
  Fixture f;
  REQUIRE(f.guests.set("a", kAddress, make({}, "open")));
  auto guest = f.guests.find("a");
  CHECK(guest->policy_for({kOutside, 80}).allows_address(kOutside, 80));
  CHECK_FALSE(guest->policy_for({kOfHost, 80}).allows_address(kOfHost, 80));
  CHECK(guest->policy_for({kOfHost, 80}).is_of_host(kOfHost));
  // It stays closed until the daemon has looked at the addresses again.
  CHECK(guest->policy_for({kOutside, 80}).is_of_host(kOfHost));
  f.guests.set_host({});
  CHECK_FALSE(guest->policy_for({kOutside, 80}).is_of_host(kOfHost));
}

TEST_CASE("gate guests: the addresses that the daemon knows are closed too, for guests of before and after") {
  Fixture f;
  REQUIRE(f.guests.set("a", kAddress, make({}, "open")));
  f.guests.set_host({kOutside});
  REQUIRE(f.guests.set("b", kOther, make({}, "open")));
  for (const char* id : {"a", "b"})
    CHECK_FALSE(f.guests.find(id)->policy_for({kOutside, 80}).allows_address(kOutside, 80));
}

TEST_CASE("gate guests: their number has a limit, which does not concern those that are there") {
  Fixture f;
  for (std::size_t i = 0; i < limits::kGatedGuests; ++i)
    REQUIRE(f.guests.set(fmt::format("{}", i), static_cast<net::Ipv4>(kOther + i), {}));
  auto full = f.guests.set("more", kAddress, {});
  REQUIRE_FALSE(full);
  CHECK(full.error().code == ErrorCode::exhausted);
  CHECK_FALSE(f.guests.at(kAddress));
  CHECK_FALSE(f.guests.find("more"));
  CHECK(f.guests.set("7", kAddress, {}));
  f.guests.forget("8");
  CHECK(f.guests.set("more", kOther + 8, {}));
}

TEST_CASE("gate refusals: each kind is told once, and only refusals are") {
  Fixture f;
  auto guest = f.set("a", kAddress, {}), other = f.set("b", kOther, {});
  egress::LogEvent refused{.name = "x.org", .reason = Reason::name_not_allowed};
  for (int i = 0; i < 3; ++i) guest->note(refused);
  other->note(refused);
  guest->note({.name = "a.org", .address = kOutside, .port = 443, .reason = Reason::allowed});
  refused.address = kOutside;
  refused.port = 443;
  guest->note(refused);
  auto all = f.guests.refusals_after(0);
  REQUIRE(all.size() == 3);
  CHECK(all[0].vm_id == "a");
  CHECK(all[0].sentence == "no rule of the policy allows the name x.org");
  CHECK(all[1].vm_id == "b");
  CHECK(all[2].vm_id == "a");
  CHECK(all[0].sequence < all[1].sequence);
  CHECK(f.guests.refusals_after(all[1].sequence).size() == 1);
  CHECK(f.guests.refusals_after(all[2].sequence).empty());
}

TEST_CASE("gate refusals: the oldest ones go when nobody asks for them") {
  Fixture f;
  for (std::size_t i = 0; i <= limits::kRefusals; ++i) f.guests.add_refusal("a", fmt::format("{}", i));
  auto all = f.guests.refusals_after(0);
  CHECK(all.size() == limits::kRefusals);
  CHECK(all.front().sentence == "1");
  CHECK(all.back().sequence == limits::kRefusals + 1);
}

TEST_CASE("gate refusals: whoever waits for one is woken") {
  Fixture f;
  bool woken = false;
  f.runtime.spawn([](Guests& guests, bool& out) -> Task<> { out = co_await guests.refused().wait(host::after(30s)); }(
                                                    f.guests, woken));
  f.runtime.spawn([](Guests& guests) -> Task<> {
    guests.add_refusal("a", "x");
    co_return;
  }(f.guests));
  f.runtime.run();
  CHECK(woken);
}

// What of an answer is kept: aliases, addresses, other records, the time to live.
#include "egress/answer.h"

#include <fmt/format.h>

#include "catch.h"
#include "dns_answers.h"
#include "egress/bounds.h"

using namespace banger;
using namespace banger::egress;
using namespace dns_answers;

namespace {

const std::string kName = "www.example.org";

Policy make(const char* egress, const std::vector<std::string>& rules = {}) { return *Policy::make(egress, rules); }

FilteredAnswer filter(const Policy& policy, const std::vector<Part>& parts, unsigned type = 1) {
  auto packet = net::read_dns(answer({.name = kName, .type = type}, parts));
  REQUIRE(packet);
  return filter_answer(policy, *packet);
}

const Policy kPolicy = make("none", {"*.example.org"});
constexpr Ipv4 kAddress = 0x5db8d822;
constexpr const char* kText = "93.184.216.34";

}  // namespace

TEST_CASE("answer: addresses of the name are kept, and opened") {
  auto filtered = filter(kPolicy, {a(kName, kText), a(kName, "93.184.216.35"), a(kName, kText)});
  CHECK(filtered.reason == Reason::allowed);
  CHECK(filtered.records.size() == 2);
  CHECK(filtered.opens == std::vector<Ipv4>{kAddress, kAddress + 1});
  CHECK(filtered.withheld.empty());
  CHECK(filtered.ttl == 300);
}

TEST_CASE("answer: addresses of other names are not kept") {
  for (const auto& policy : {kPolicy, make("open")}) {
    auto filtered = filter(policy, {a("evil.org", "93.1.1.1"),
                                    a(kName, kText),
                                    a("example.org", "93.1.1.2"),
                                    {kName, 1, bytes_of("93.1.1.3"), 300, 3}});
    CHECK(filtered.records.size() == 1);
  }
}

TEST_CASE("answer: aliases are followed in any order") {
  auto filtered = filter(kPolicy, {a("c.net", kText), alias("b.net", "c.net"), a("b.net", "93.1.1.1"),
                                   alias(kName, "b.net"), a(kName, "93.1.1.2"), alias("x.net", "y.net")});
  REQUIRE(filtered.records.size() == 3);
  CHECK(filtered.records[0].owner == dns_wire::name(kName));
  CHECK(filtered.records[1].owner == dns_wire::name("b.net"));
  CHECK(filtered.records[2].owner == dns_wire::name("c.net"));
  CHECK(filtered.opens == std::vector<Ipv4>{kAddress});
}

TEST_CASE("answer: aliases in a circle, or too many of them, are refused") {
  CHECK(filter(kPolicy, {alias(kName, kName)}).reason == Reason::alias_chain);
  auto circle =
      filter(kPolicy, {alias(kName, "b.net"), alias("b.net", "c.net"), alias("c.net", "b.net"), a("b.net", kText)});
  CHECK(circle.refused);
  CHECK(circle.reason == Reason::alias_chain);
  std::vector<Part> chain = {alias(kName, "0.net")};
  for (std::size_t i = 1; i < limits::kAliases; ++i)
    chain.push_back(alias(fmt::format("{}.net", i - 1), fmt::format("{}.net", i)));
  CHECK(filter(kPolicy, chain).records.size() == limits::kAliases);
  chain.push_back(alias(fmt::format("{}.net", limits::kAliases - 1), "end.net"));
  CHECK(filter(kPolicy, chain).reason == Reason::alias_chain);
}

TEST_CASE("answer: two aliases of one name are refused, the same twice is one") {
  auto two = filter(kPolicy, {alias(kName, "b.net"), alias(kName, "c.net"), a("b.net", kText)});
  CHECK(two.refused);
  CHECK(two.reason == Reason::answer_malformed);
  CHECK(filter(kPolicy, {alias(kName, "b.net"), alias(kName, "b.net"), a("b.net", kText)}).records.size() == 2);
}

TEST_CASE("answer: addresses in closed ranges are withheld, under every policy") {
  for (const auto& policy : {kPolicy, make("open")}) {
    auto some = filter(policy, {a(kName, "10.0.0.1"), a(kName, kText), a(kName, "169.254.169.254")});
    CHECK(some.reason == Reason::allowed);
    CHECK(some.records.size() == 1);
    CHECK(some.withheld.size() == 2);
    auto all = filter(policy, {alias(kName, "b.net"), a("b.net", "127.0.0.1"), a("b.net", "192.168.1.1")});
    CHECK(all.reason == Reason::answer_closed);
    CHECK_FALSE(all.refused);
    CHECK(all.records.size() == 1);
    CHECK(all.opens.empty());
  }
}

TEST_CASE("answer: a rule that names a closed address lets the guest have it, and opens nothing more") {
  for (const auto& policy : {make("none", {"*.example.org", "10.0.0.0/8:443"}), make("open", {"10.0.0.1"})}) {
    auto filtered = filter(policy, {a(kName, "10.0.0.1")});
    CHECK(filtered.records.size() == 1);
    CHECK(filtered.withheld.empty());
    CHECK(filtered.opens.empty());
  }
}

TEST_CASE("answer: an address of this host is withheld") {
  auto policy = make("open");
  policy.set_host_addresses({kAddress});
  CHECK(filter(policy, {a(kName, kText)}).reason == Reason::answer_closed);
}

TEST_CASE("answer: under open nothing has to be opened") {
  auto filtered = filter(make("open"), {a(kName, kText)});
  CHECK(filtered.records.size() == 1);
  CHECK(filtered.opens.empty());
}

TEST_CASE("answer: an address of another size is refused") {
  for (const char* data : {"", "abc", "abcde"}) {
    auto filtered = filter(kPolicy, {a(kName, kText), {kName, 1, data}});
    CHECK(filtered.refused);
    CHECK(filtered.records.empty());
  }
}

TEST_CASE("answer: the number of addresses has a limit") {
  std::vector<Part> many;
  for (unsigned i = 0; i < 200; ++i) many.push_back(a(kName, fmt::format("93.0.0.{}", i).c_str()));
  auto filtered = filter(kPolicy, many);
  CHECK(filtered.records.size() == limits::kAnswerAddresses);
  CHECK(filtered.opens.size() == limits::kAnswerAddresses);
}

TEST_CASE("answer: all records get the shortest time to live") {
  auto filtered = filter(kPolicy, {alias(kName, "b.net", 20), a("b.net", kText, 90000)});
  CHECK(filtered.ttl == 20);
  for (const auto& record : filtered.records) CHECK(record.ttl == 20);
  CHECK(filter(kPolicy, {a(kName, kText, 90000)}).ttl == 3600);
  CHECK(filter(kPolicy, {a(kName, kText, 0)}).ttl == 0);
}

TEST_CASE("answer: IPv6 addresses never pass, keys and hints of HTTPS records under open only") {
  auto open = make("open");
  for (unsigned type : {28u, 255u}) {
    CHECK_FALSE(is_served(open, static_cast<std::uint16_t>(type)));
    CHECK(filter(open, {{kName, type, std::string(16, '\1')}}, type).records.empty());
  }
  for (unsigned type : {28u, 64u, 65u, 10u, 46u, 99u, 255u, 65280u}) {
    CHECK_FALSE(is_served(kPolicy, static_cast<std::uint16_t>(type)));
    CHECK(filter(kPolicy, {{kName, type, std::string(16, '\1')}}, type).records.empty());
  }
  CHECK(filter(open, {{kName, 65, "\0\1\0"}}, 65).records.size() == 1);
  for (unsigned type : {16u, 33u, 15u, 257u, 12u}) CHECK(is_served(kPolicy, static_cast<std::uint16_t>(type)));
}

TEST_CASE("answer: other records come from the end of the aliases, of the asked type only") {
  auto filtered =
      filter(kPolicy, {alias(kName, "b.net"), {"b.net", 16, "\2hi"}, {kName, 16, "\2no"}, a("b.net", kText)}, 16);
  CHECK(filtered.records.size() == 2);
  CHECK(filtered.records[1].data == "\2hi");
  CHECK(filtered.opens.empty());
  CHECK(filter(kPolicy, {alias(kName, "b.net"), alias("b.net", "c.net")}, 5).records.size() == 1);
}

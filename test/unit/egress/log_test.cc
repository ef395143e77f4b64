// The log: repeats, followers, limits, JSON.
#include "egress/log.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "catch.h"

using namespace banger;
using namespace banger::egress;
using namespace std::chrono_literals;

namespace {

constexpr WallTime kNow(1700000000s);

LogEvent event(std::string name, Reason reason = Reason::allowed) {
  return {.name = std::move(name), .address = 0x5db8d822, .port = 443, .reason = reason, .sent = 10, .received = 20};
}

}  // namespace

TEST_CASE("egress log: repeats are one row") {
  Log log;
  log.add(event("a.org"), kNow);
  log.add(event("a.org"), kNow + 5s);
  log.add({.name = "a.org", .address = 0x5db8d822, .port = 443, .received = 1000, .begins = false}, kNow + 6s);
  auto rows = log.since(0);
  REQUIRE(rows.size() == 1);
  CHECK(rows[0].count == 2);
  CHECK(rows[0].sent == 20);
  CHECK(rows[0].received == 1040);
  CHECK(rows[0].first == kNow);
  CHECK(rows[0].last == kNow + 6s);
}

TEST_CASE("egress log: another name, address, port or reason is another row") {
  Log log;
  auto other_address = event("a.org"), other_port = event("a.org");
  other_address.address++;
  other_port.port++;
  for (const auto& one : {event("a.org"), event("b.org"), other_address, other_port,
                          event("a.org", Reason::name_encrypted), event("a.org", Reason::port_closed)})
    log.add(one, kNow);
  CHECK(log.since(0).size() == 6);
}

TEST_CASE("egress log: a follower gets what changed since") {
  Log log;
  log.add(event("a.org"), kNow);
  log.add(event("evil.org", Reason::name_not_allowed), kNow);
  auto rows = log.since(0);
  REQUIRE(rows.size() == 2);
  CHECK(rows[0].name == "a.org");
  CHECK(rows[1].name == "evil.org");
  auto seen = rows.back().sequence;
  CHECK(seen == log.last_sequence());
  CHECK(log.since(seen).empty());
  log.add(event("a.org"), kNow);
  rows = log.since(seen);
  REQUIRE(rows.size() == 1);
  CHECK(rows[0].count == 2);
}

TEST_CASE("egress log: the oldest change goes, and refusals push no allowed rows out") {
  Log log(3);
  log.add(event("kept.org"), kNow);
  for (int i = 0; i < 100; ++i) log.add(event(fmt::format("{}.evil.org", i), Reason::name_not_allowed), kNow);
  auto rows = log.since(0);
  REQUIRE(rows.size() == 4);
  CHECK(rows[0].name == "kept.org");
  CHECK(rows[3].name == "99.evil.org");
  CHECK(log.forgotten() == 97);
  log.add(event("97.evil.org", Reason::name_not_allowed), kNow);  // the oldest that is left becomes the newest
  log.add(event("new.evil.org", Reason::name_not_allowed), kNow);
  rows = log.since(0);
  CHECK(rows[1].name == "99.evil.org");
  CHECK(rows[2].count == 2);
  log.add(event("98.evil.org", Reason::name_not_allowed), kNow);
  CHECK(log.since(0).back().count == 1);
}

TEST_CASE("egress log: counters do not begin anew, and names are short") {
  Log log;
  auto full = event(std::string(100000, 'a'));
  full.sent = UINT64_MAX;
  log.add(full, kNow);
  log.add(full, kNow);
  auto rows = log.since(0);
  REQUIRE(rows.size() == 1);
  CHECK(rows[0].sent == UINT64_MAX);
  CHECK(rows[0].name.size() < 300);
}

TEST_CASE("egress log: after clear, rows begin anew, but sequences go on") {
  Log log;
  log.add(event("a.org"), kNow);
  log.clear();
  CHECK(log.since(0).empty());
  log.add(event("a.org"), kNow);
  CHECK(log.since(0).at(0).sequence == 2);
  CHECK(log.since(0).at(0).count == 1);
}

TEST_CASE("egress log: a row is one object") {
  Log log;
  log.add(event("a.org"), kNow);
  log.add({.name = "evil\xff.org", .reason = Reason::name_malformed}, kNow + 1500ms);
  auto rows = log.since(0);
  CHECK(to_json(rows[0]) == Json::parse(R"({"name": "a.org", "address": "93.184.216.34", "port": 443, "count": 1,
    "verdict": "allowed", "reason": "allowed", "sent": 10, "received": 20, "first_at": 1700000000,
    "last_at": 1700000000, "sequence": 1})"));
  auto refused = to_json(rows[1]);
  CHECK(refused["name"] == "evil\\xff.org");
  CHECK(refused["verdict"] == "refused");
  CHECK(refused["reason"] == "name_malformed");
  CHECK(refused["last_at"] == 1700000001);
  CHECK(refused.contains("sentence"));
  CHECK_FALSE(refused.contains("address"));
  CHECK_FALSE(refused.contains("port"));
}

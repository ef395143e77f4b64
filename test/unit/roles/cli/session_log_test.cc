// The log of a session on the standard streams.
#include "roles/cli/session_log.h"

#include "catch.h"
#include "link/exec_frames.h"

using namespace banger;
using namespace banger::roles::cli;

namespace {

std::string at(std::uint64_t out, std::uint64_t err) {
  return link::encode_position({.unix_ms = 1, .out = out, .err = err});
}

}  // namespace

TEST_CASE("session log: bytes that the log has lost are counted, of the wanted streams only") {
  LogPlace whole;
  CHECK(whole.missing_at(at(10, 5)) == 15);
  CHECK(whole.missing_at(at(10, 5)) == 0);
  whole.out += 4;
  CHECK(whole.missing_at(at(20, 5)) == 6);
  LogPlace end{.known = false};
  CHECK(end.missing_at(at(1000, 1000)) == 0);
  CHECK(end.missing_at(at(1001, 1002)) == 3);
  LogPlace out{.wants_err = false};
  CHECK(out.missing_at(at(1, 1000)) == 1);
  CHECK(out.missing_at("short") == 0);
  CHECK(out.missing_at(at(0, 0)) == 0);  // a guest that counts backwards
}

TEST_CASE("session log: --since is a duration before now, or a time") {
  CHECK(*parse_since("@1700000000") == 1'700'000'000'000);
  auto now = *parse_since("0");
  auto before = *parse_since("10m");
  CHECK(now - before >= 600'000);
  CHECK(now - before < 700'000);
  for (auto text : {"@", "@x", "@-1", "@99999999999999", "soon"}) CHECK_FALSE(parse_since(text).has_value());
}

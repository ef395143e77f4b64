// The keys that leave a session.
#include "roles/cli/detach_keys.h"

#include "catch.h"

using namespace banger;
using namespace banger::roles::cli;

TEST_CASE("detach keys: are written as docker does") {
  CHECK(*parse_detach_keys("ctrl-p,ctrl-q") == "\x10\x11");
  CHECK(*parse_detach_keys("ctrl-],d") ==
        "\x1d"
        "d");
  CHECK(*parse_detach_keys("ctrl-@") == std::string(1, '\0'));
  for (auto text : {"", "ctrl-", "ctrl-1", "strg-p", "ctrl-p,", "ab"}) {
    auto keys = parse_detach_keys(text);
    CHECK_FALSE(keys.has_value());
  }
  CHECK_FALSE(parse_detach_keys("a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a").has_value());
}

TEST_CASE("detach keys: all other input passes, in any pieces") {
  DetachKeys keys("\x10\x11");
  std::string out;
  CHECK_FALSE(keys.feed("ab\x10", out));
  CHECK(out == "ab");
  CHECK_FALSE(keys.feed("c\x10\x10", out));
  CHECK(out ==
        "ab\x10"
        "c\x10");
  CHECK(keys.feed("\x11rest", out));
  CHECK(out ==
        "ab\x10"
        "c\x10");
  DetachKeys repeated("aab");
  std::string passed;
  CHECK(repeated.feed("xaaab", passed));
  CHECK(passed == "xa");
  DetachKeys none("");
  CHECK_FALSE(none.feed("abc", passed));
  CHECK(passed == "xaabc");
}

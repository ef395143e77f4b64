// Every reason has a word of its own, and a sentence.
#include "egress/reason.h"

#include <set>

#include "catch.h"

using namespace banger::egress;
using Catch::Matchers::Contains;

TEST_CASE("reason: each one has a word and a sentence") {
  std::set<std::string_view> words;
  for (int i = 0; i <= static_cast<int>(Reason::host_does_not_answer); ++i) {
    auto reason = static_cast<Reason>(i);
    CHECK(words.insert(to_word(reason)).second);
    auto sentence = to_sentence(reason, "example.org", 0x5db8d822, 443);
    INFO(sentence);
    CHECK(sentence.size() > 20);
    CHECK_FALSE(sentence.ends_with('.'));
    CHECK(sentence.find('{') == sentence.npos);
  }
}

TEST_CASE("reason: a sentence names what it is about, printable") {
  CHECK(to_sentence(Reason::name_not_allowed, "example.org", 0, 0) ==
        "no rule of the policy allows the name example.org");
  CHECK_THAT(to_sentence(Reason::name_not_allowed, "a\n\x1b[31m", 0, 0), !Contains("\n") && !Contains("\x1b"));
  CHECK_THAT(to_sentence(Reason::port_closed, "", 0x5db8d822, 25), Contains("93.184.216.34") && Contains("port 25"));
  CHECK_THAT(std::string(way_out(Reason::address_closed)), Contains("--allow"));
  CHECK(way_out(Reason::allowed).empty());
}

// Sizes, durations, suggestions, hex and quoting, at their edges.
#include "base/text.h"

#include "catch.h"

using namespace banger;
using namespace std::chrono_literals;

TEST_CASE("size: every way of writing one") {
  CHECK(parse_size("0") == 0u);
  CHECK(parse_size("4096") == 4096u);
  CHECK(parse_size("1K") == 1024u);
  CHECK(parse_size("8g") == 8ull << 30);
  CHECK(parse_size("8GiB") == 8ull << 30);
  CHECK(parse_size("8GB") == 8ull << 30);
  CHECK(parse_size("7B") == 7u);
  CHECK(parse_size("512", "M") == 512ull << 20);
  CHECK(parse_size("512K", "M") == 512ull << 10);
  CHECK(parse_size("16777215T") == 16777215ull << 40);
  CHECK(parse_size("1.5G") == 1536ull << 20);
  CHECK(parse_size("0.5", "M") == 512ull << 10);
  CHECK(parse_size("1.3GiB") == 1331ull << 20);  // a whole number of MiB
  CHECK(parse_size("2.000000000T") == 2ull << 40);
}

TEST_CASE("size: malformed text, or a size beyond 64 bits, is refused with a hint") {
  for (const char* text : {"",     "G",     "-1",    "+1",    "1.5",           "1.5B",      "1.G",
                           ".5G",  "1..5G", "1.5.G", "1,5G",  "1.0000000001G", "8X",        "8 G",
                           " 8G",  "8GG",   "8iB",   "8GiBs", "0x10",          "16777216T", "99999999999999999999",
                           "8\xff"}) {
    INFO(text);
    CHECK(parse_size(text).error().code == ErrorCode::invalid);
  }
  CHECK(parse_size("lots").error().sentence() == "'lots' is not a size (hint: write it like 512M, 1.5G or 8G)");
}

TEST_CASE("size: shown short, with one decimal at most") {
  CHECK(format_size(0) == "0B");
  CHECK(format_size(1023) == "1023B");
  CHECK(format_size(1024) == "1K");
  CHECK(format_size(1536ull << 20) == "1.5G");
  CHECK(format_size(8589934592) == "8G");
  CHECK(format_size((1 << 20) - 1) == "1M");
  CHECK(format_size(1100) == "1.1K");
  CHECK(format_size(5ull << 50) == "5120T");
}

TEST_CASE("duration: every way of writing one") {
  CHECK(parse_duration("0") == 0ms);
  CHECK(parse_duration("250ms") == 250ms);
  CHECK(parse_duration("90s") == 90s);
  CHECK(parse_duration("15m") == 15min);
  CHECK(parse_duration("1h30m") == 90min);
  CHECK(parse_duration("2d") == 48h);
}

TEST_CASE("duration: malformed text is refused") {
  for (const char* text : {"", "5", "s", "1.5h", "-1s", "1h 30m", "1w", "99999999999h", "36501d", "00", "1h30"}) {
    INFO(text);
    CHECK(parse_duration(text).error().code == ErrorCode::invalid);
  }
}

TEST_CASE("duration: shown in its two largest units") {
  CHECK(format_duration(37ms) == "37ms");
  CHECK(format_duration(1250ms) == "1.25s");
  CHECK(format_duration(4min + 10s) == "4m 10s");
  CHECK(format_duration(3h + 5min + 9s) == "3h 5m");
  CHECK(format_duration(51h) == "2d 3h");
}

TEST_CASE("split, trim, join: empty parts and white space") {
  CHECK(split("a,,b,", ',') == std::vector<std::string_view>{"a", "", "b", ""});
  CHECK(split("", ',') == std::vector<std::string_view>{""});
  CHECK(trim(" \t a b\r\n") == "a b");
  CHECK(trim(" \n").empty());
  CHECK(join(std::vector<std::string>{"a", "b"}, ", ") == "a, b");
  CHECK(join({}, ", ").empty());
}

TEST_CASE("hex: survives a round trip, and other text is refused") {
  std::string bytes("\x00\x7f\xff", 3);
  CHECK(to_hex(bytes) == "007fff");
  CHECK(from_hex("007fFF") == bytes);
  CHECK(from_hex("") == "");
  for (const char* text : {"0", "0g", "g0", " 0", "-1", "0x"}) CHECK(from_hex(text).error().code == ErrorCode::invalid);
}

TEST_CASE("printable: untrusted bytes cannot reach a terminal") {
  CHECK(printable("ok \x1b[31m\n\xff") == "ok \\x1b[31m\\x0a\\xff");
  CHECK(printable("abcdef", 3) == "abc…");
  CHECK(printable("abc", 3) == "abc");
}

TEST_CASE("nearest: typos and prefixes are found, far words are not") {
  std::vector<std::string> words{"start", "stop", "stats", "restart"};
  CHECK(nearest("stat", words) == std::vector<std::string>{"stats", "start"});
  CHECK(nearest("st", words).size() == 3);
  CHECK(nearest("delete", words).empty());
  CHECK(did_you_mean("strat", {"start", "stop"}) == "did you mean 'start'?");
  CHECK(did_you_mean("naem", {"name", "nat"}) == "did you mean 'name'?");
  CHECK(did_you_mean("trast", {"start", "stop"}) == "");
  CHECK(did_you_mean("starts", {"start", "stop"}) == "did you mean 'start'?");
  CHECK(did_you_mean("", {"start"}) == "");
  CHECK(did_you_mean("sl", {"ls", "ps"}) == "did you mean 'ls'?");
  CHECK(did_you_mean("--hlep", {"--help", "--web"}) == "did you mean '--help'?");
  for (auto word : {"p", "x", "-x", "--rm"}) CHECK(did_you_mean(word, {"cp", "a", "top", "-w", "--from"}) == "");
  CHECK(did_you_mean("--from", {"--rm", "--name"}) == "");
  CHECK(nearest(std::string(1 << 20, 'a'), std::vector<std::string>{std::string(1000, 'a')}).empty());
}

TEST_CASE("shell quoting: words that the shell would change are quoted") {
  CHECK(shell_quote("/usr/bin/a-b_c.d") == "/usr/bin/a-b_c.d");
  CHECK(shell_quote("") == "''");
  CHECK(shell_quote("a b") == "'a b'");
  CHECK(shell_quote("it's") == "'it'\\''s'");
  CHECK(shell_quote("$HOME") == "'$HOME'");
  CHECK(shell_quote("~x") == "'~x'");
}

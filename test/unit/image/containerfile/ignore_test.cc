#include "image/containerfile/ignore.h"

#include "catch.h"
#include "image/containerfile/bounds.h"

using namespace banger;
using namespace image;
using Catch::Matchers::Contains;

namespace {

bool ignores(std::string_view rules, std::string_view path) {
  auto parsed = IgnoreRules::parse(rules);
  if (!parsed) FAIL(parsed.error().sentence());
  return parsed->ignores(path);
}

struct Case {
  std::string_view rules, path;
  bool ignored;
};

}  // namespace

TEST_CASE("ignore: patterns match as Docker's do") {
  constexpr Case kCases[] = {
      {"", "a", false},
      {"a", "a", true},
      {"a", "b/a", false},
      {"a", "a/b/c", true},  // a directory takes its content along
      {"/a", "a", true},
      {"a/", "a/b", true},
      {"./a//b", "a/b", true},
      {"x/../a", "a", true},
      {"../a", "a", true},
      {"*.md", "README.md", true},
      {"*.md", "docs/README.md", false},
      {"*/temp*", "one/temporary.txt", true},
      {"*/temp*", "one/two/temporary.txt", false},
      {"*/*/temp*", "one/two/temp", true},
      {"temp?", "tempa", true},
      {"temp?", "temp", false},
      {"temp?", "temp/", false},
      {"**", "a", true},
      {"**", "a/b/c", true},
      {"**/*.go", "main.go", true},
      {"**/*.go", "a/b/main.go", true},
      {"**/*.go", "a/b/main.c", false},
      {"a/**/b", "a/b", true},
      {"a/**/b", "a/x/y/b", true},
      {"a/**/b", "a/xb", false},
      {"a/**", "a/b", true},
      {"a/**", "ab", false},
      {"a**", "ab/c", true},
      {"**b", "a/b", true},
      {"**b", "ab", false},
      {"***b", "a/xb", true},
      {"****b", "a/xb", false},
      {"**/**/b", "b", true},
      {"**/**/b", "a/xb", false},
      {"a**b", "a/xb", false},
      {"a**b", "axb", false},
      {"a**b", "ax/b/c", true},
      {"**/node_modules", "x/node_modules/y/z", true},
      {"[a-c]x", "bx", true},
      {"[a-c]x", "dx", false},
      {"[^a-c]x", "dx", true},
      {"[^a-c]x", "ax", false},
      {"[]a]", "]", true},
      {"\\*", "*", true},
      {"\\*", "a", false},
      {"a.b", "axb", false},
      {"a+(b)|c$", "a+(b)|c$", true},
      {"ab", "a", false},
      {"a", "ab", false},
      {"\xC3\xA9*", "\xC3\xA9t\xC3\xA9", true},
  };
  for (const auto& one : kCases) {
    INFO("rules '" << one.rules << "', path '" << one.path << "'");
    CHECK(ignores(one.rules, one.path) == one.ignored);
  }
}

TEST_CASE("ignore: the last pattern that matches decides") {
  constexpr Case kCases[] = {
      {"*\n!a", "a", false},
      {"*\n!a", "b", true},
      {"!a\n*", "a", true},
      {"*.md\n!README*.md\nREADME-secret.md", "README-secret.md", true},
      {"*.md\n!README*.md\nREADME-secret.md", "README-x.md", false},
      {"docs\n!docs/keep", "docs/keep", false},
      {"docs\n!docs/keep", "docs/other", true},
      {"docs\n!docs/keep", "docs/keep/below", false},
      {"docs\n!docs/keep\ndocs/keep/below", "docs/keep/below", true},
      {"! a", "a", false},
      {"*\n! a", "a", false},
  };
  for (const auto& one : kCases) {
    INFO("rules '" << one.rules << "', path '" << one.path << "'");
    CHECK(ignores(one.rules, one.path) == one.ignored);
  }
}

TEST_CASE("ignore: comments, blanks, line ends and a byte order mark are no patterns") {
  CHECK_FALSE(ignores("#a\n\n   \n", "a"));
  CHECK(ignores(" #a", "#a"));  // only at the beginning of a line
  CHECK(ignores("  a  \r\nb\r\n", "a"));
  CHECK(ignores("a\r\nb\r\n", "b"));
  CHECK(
      ignores("\xEF\xBB\xBF"
              "a",
              "a"));
  CHECK_FALSE(ignores(".\n/\n..", "a"));
}

TEST_CASE("ignore: exceptions are known, so that directories are passed only without them") {
  CHECK_FALSE(IgnoreRules::parse("a\nb")->has_exceptions());
  CHECK(IgnoreRules::parse("a\n!a/b")->has_exceptions());
}

TEST_CASE("ignore: what is no pattern is an error with its line") {
  CHECK_THAT(IgnoreRules::parse("a\n[b").error().sentence(), Contains("line 2") && Contains("no ']'"));
  CHECK_THAT(IgnoreRules::parse("[b-a]").error().sentence(), Contains("upside down"));
  CHECK_THAT(IgnoreRules::parse("a\\").error().sentence(), Contains("ends with"));
  CHECK_THAT(IgnoreRules::parse("!").error().sentence(), Contains("no pattern"));
  std::string long_line(limits::kIgnorePatternBytes + 1, 'a');
  CHECK(IgnoreRules::parse(long_line).error().code == ErrorCode::exhausted);
  std::string many;
  for (std::size_t i = 0; i <= limits::kIgnorePatterns; ++i) many += "a\n";
  CHECK(IgnoreRules::parse(many).error().code == ErrorCode::exhausted);
}

TEST_CASE("ignore: hostile patterns take no time") {
  std::string stars, path(2000, 'a');
  for (int i = 0; i < 200; ++i) stars += "*a";
  CHECK_FALSE(ignores(stars + "b", path));
}

TEST_CASE("ignore: many empty tokens and many directories take no time") {
  std::string line, text, path = "a";
  for (int i = 0; i < 500; ++i) line += "**";
  for (int i = 0; i < 20; ++i) text += line + "b\n";
  for (int i = 0; i < 255; ++i) path += "/a";
  CHECK_FALSE(ignores(text, path));
  CHECK(ignores(text + "a", path));
}

TEST_CASE("ignore: matching ends when it is stopped") {
  std::atomic<bool> stop = false;
  auto rules = IgnoreRules::parse("x\ny").value();
  CHECK_FALSE(rules.ignores("a", &stop));
  stop = true;
  CHECK(rules.ignores("a", &stop));
}

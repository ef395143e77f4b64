// [[file_sync]]: what is accepted, and the sentences for what is not.
#include <fmt/format.h>

#include "base/bounds.h"
#include "catch.h"
#include "config/config.h"

using namespace banger;
using config::parse_config;

namespace {

std::string error_of(std::string_view text) {
  auto parsed = parse_config(text, "c.toml");
  return parsed ? "" : parsed.error().sentence();
}

// The error of the second entry, without the place.
std::string refusal(std::string_view line) {
  constexpr std::string_view kGood = "[[file_sync]]\nhost = \"~/a\"\nguest = \"~/a\"\n[[file_sync]]\n";
  constexpr std::string_view kPlace = "c.toml:5: file_sync[1]: ";
  auto error = error_of(fmt::format("{}{}\n", kGood, line));
  return error.starts_with(kPlace) ? error.substr(kPlace.size()) : "not of the entry: " + error;
}

}  // namespace

TEST_CASE("file_sync: entries are read in their order") {
  auto parsed = parse_config(R"(
[[file_sync]]
host = "~/.gitconfig"
guest = "~/.gitconfig"
[[file_sync]]
host = "/etc/some where/\u00e4"
guest = "/root//a/./b/"
mode = "0644"
)",
                             "c.toml");
  REQUIRE(parsed);
  const auto& entries = parsed->file_sync;
  REQUIRE(entries.size() == 2);
  CHECK(entries[0].host == "~/.gitconfig");
  CHECK(entries[0].guest == ".gitconfig");
  CHECK_FALSE(entries[0].mode);
  CHECK(entries[1].host == "/etc/some where/\u00e4");
  CHECK(entries[1].guest == "a/b");
  CHECK(entries[1].mode == mode_t{0644});
}

TEST_CASE("file_sync: a list of inline tables is the same, and an empty one is no entry") {
  CHECK(parse_config("file_sync = [{ host = \"/a\", guest = \"~/a\", mode = \"7\" }]", "c")->file_sync.size() == 1);
  CHECK(parse_config("file_sync = []", "c")->file_sync.empty());
}

TEST_CASE("file_sync: a wrong value is refused, and the error names the entry by its index") {
  struct Wrong {
    const char* line;
    const char* error;
  };
  constexpr Wrong kWrong[] = {
      {R"(host = "")", "'file_sync.host' must not be empty"},
      {R"(host = "x")",
       "'file_sync.host' must be an absolute path, or one that begins with `~/` (hint: write the "
       "whole path)"},
      {R"(host = "./x")",
       "'file_sync.host' must be an absolute path, or one that begins with `~/` (hint: write the "
       "whole path)"},
      {R"(host = "/a/../b")", "'file_sync.host' must have no '..' part (hint: write the path that it leads to)"},
      {R"(host = "~/..")", "'file_sync.host' must have no '..' part (hint: write the path that it leads to)"},
      {R"(host = "~ann/x")",
       "'file_sync.host' must be an absolute path, or one that begins with `~/` (hint: '~' "
       "alone and '~user' are not expanded)"},
      {R"(host = "~")",
       "'file_sync.host' must be an absolute path, or one that begins with `~/` (hint: '~' alone "
       "and '~user' are not expanded)"},
      {R"(host = "/a\u0000b")", "'file_sync.host' must be one line without zero bytes"},
      {R"(host = "/a\nb")", "'file_sync.host' must be one line without zero bytes"},
      {R"(host = "/a\rb")", "'file_sync.host' must be one line without zero bytes"},
      {R"(host = 3)", "'file_sync.host' must be an absolute path, or one that begins with `~/`"},
      {R"(guest = "")", "'file_sync.guest' must not be empty"},
      {R"(guest = "x")", "'file_sync.guest' must be a path below `~/` or `/root/` (hint: write the whole path)"},
      {R"(guest = "/etc/passwd")", "'file_sync.guest' must be a path below `~/` or `/root/`"},
      {R"(guest = "/root")", "'file_sync.guest' must be a path below `~/` or `/root/`"},
      {R"(guest = "/rootx/a")", "'file_sync.guest' must be a path below `~/` or `/root/`"},
      {R"(guest = "~/")", "'file_sync.guest' must be a path below the guest's home, not the home itself"},
      {R"(guest = "/root/./")", "'file_sync.guest' must be a path below the guest's home, not the home itself"},
      {R"(guest = "~/../etc")", "'file_sync.guest' must have no '..' part (hint: write the path that it leads to)"},
      {R"(guest = "~bob/a")",
       "'file_sync.guest' must be a path below `~/` or `/root/` (hint: '~' alone and '~user' "
       "are not expanded)"},
      {R"(guest = "~/a\u0000")", "'file_sync.guest' must be one line without zero bytes"},
      {R"(guest = "~/a\nb")", "'file_sync.guest' must be one line without zero bytes"},
      {R"(mode = "")", "'file_sync.mode' must be an octal mode up to `0777`, not ''"},
      {R"(mode = "0888")", "'file_sync.mode' must be an octal mode up to `0777`, not '0888'"},
      {R"(mode = "4755")", "'file_sync.mode' must be an octal mode up to `0777`, not '4755'"},
      {R"(mode = "00644")", "'file_sync.mode' must be an octal mode up to `0777`, not '00644'"},
      {R"(mode = "-644")", "'file_sync.mode' must be an octal mode up to `0777`, not '-644'"},
      {R"(mode = "rw-")", "'file_sync.mode' must be an octal mode up to `0777`, not 'rw-'"},
      {R"(mode = "0644 ")", "'file_sync.mode' must be an octal mode up to `0777`, not '0644 '"},
      {R"(mode = 0o644)",
       "'file_sync.mode' must be an octal mode up to `0777` (hint: write it in quotes, like mode = \"0644\")"},
      {R"(hots = "/a")", "unknown key 'file_sync.hots' (hint: did you mean 'file_sync.host'?)"},
  };
  for (const auto& wrong : kWrong) {
    INFO(wrong.line);
    CHECK(refusal(wrong.line) == wrong.error);
  }
  CHECK(refusal("host = \"/" + std::string(limits::kPathBytes, 'x') + "\"") ==
        "'file_sync.host' must have at most 4096 bytes");
}

TEST_CASE("file_sync: an entry without one of its paths is refused with its line") {
  CHECK(error_of("\n[[file_sync]]\nhost = \"~/a\"\n") == "c.toml:2: file_sync[0]: it has no 'guest'");
  CHECK(error_of("[[file_sync]]\nguest = \"~/a\"\n") == "c.toml:1: file_sync[0]: it has no 'host'");
}

TEST_CASE("file_sync: something else than a list of tables is refused") {
  std::string wrong = "c.toml:1: 'file_sync' must be a list of tables (hint: write [[file_sync]])";
  CHECK(error_of("file_sync = 1") == wrong);
  CHECK(error_of("file_sync = [\"a\"]") == wrong);
  CHECK(error_of("[file_sync]\nhost = \"/a\"") == wrong);
  CHECK(error_of("file_sync.host = \"/a\"") == wrong);
  CHECK(error_of("guest = \"~/a\"") == "c.toml:1: unknown key 'guest' (hint: put 'guest' under [[file_sync]])");
}

TEST_CASE("file_sync: the number of entries has a limit") {
  std::string text;
  for (std::size_t i = 0; i < limits::kFileSyncEntries; ++i) text += "[[file_sync]]\nhost = \"/a\"\nguest = \"~/a\"\n";
  CHECK(parse_config(text, "c"));
  text += "[[file_sync]]\nhost = \"/a\"\nguest = \"~/a\"\n";
  CHECK(error_of(text) == "c.toml:193: file_sync[64]: at most 64 entries are allowed");
}

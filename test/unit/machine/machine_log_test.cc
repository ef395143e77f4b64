#include "machine/machine_log.h"

#include <sys/stat.h>

#include "support.h"

using namespace banger;
using namespace banger::machine;

TEST_CASE("machine log: last words are those of the named start, not of an earlier one") {
  TempDir directory;
  auto first = open_machine_log(directory.path(), "one");
  REQUIRE(first);
  REQUIRE(host::write_all(first->get(), "old trouble\n"));
  auto second = open_machine_log(directory.path(), "two");
  REQUIRE(second);
  CHECK(last_words(directory.path(), "two").empty());
  REQUIRE(host::write_all(second->get(), "a\nb\n\nc\nd\n"));
  CHECK(last_words(directory.path(), "two") == "b; c; d");
  auto content = host::read_file(directory.path() + "/machine.log", 1000);
  REQUIRE(content);
  CHECK(content->find("old trouble") != std::string::npos);
}

TEST_CASE("machine log: only its owner can read it, under any umask") {
  TempDir directory;
  auto old = ::umask(0);
  auto log = open_machine_log(directory.path(), "x");
  ::umask(old);
  REQUIRE(log);
  struct stat info{};
  REQUIRE(::fstat(log->get(), &info) == 0);
  CHECK((info.st_mode & 0777) == 0600);
}

TEST_CASE("machine log: last words are printable and bounded") {
  TempDir directory;
  auto log = open_machine_log(directory.path(), "x");
  REQUIRE(log);
  REQUIRE(host::write_all(log->get(), std::string(200'000, 'z') + "\n\x1b[2J\xff\n"));
  auto words = last_words(directory.path(), "x");
  CHECK(words.size() < 2000);
  CHECK(words.ends_with("\\x1b[2J\\xff"));
}

TEST_CASE("machine log: a missing one has no words") { CHECK(last_words("/nonexistent", "x").empty()); }

#include "machine/initrd.h"

#include <sys/stat.h>

#include "support.h"

using namespace banger;
using namespace banger::machine;

TEST_CASE("initrd: archives follow one another, each padded to four bytes") {
  TempDir directory;
  auto a = directory.path() + "/a", b = directory.path() + "/b", c = directory.path() + "/c",
       to = directory.path() + "/initrd.img";
  REQUIRE(host::write_file(a, "12345"));
  REQUIRE(host::write_file(b, "abcd"));
  REQUIRE(host::write_file(c, std::string(3'000'001, 'x')));
  REQUIRE(host::write_file(to, "left over from an earlier start"));
  REQUIRE(write_initrd({a, b, c}, to));
  auto content = host::read_file(to, 8 << 20);
  REQUIRE(content);
  CHECK(*content == std::string("12345\0\0\0abcd", 12) + std::string(3'000'001, 'x') + std::string(3, '\0'));
  struct stat info{};
  REQUIRE(::stat(to.c_str(), &info) == 0);
  CHECK((info.st_mode & 0777) == 0600);
  CHECK(host::read_file(a, 100) == "12345");
}

TEST_CASE("initrd: a missing archive is named") {
  TempDir directory;
  auto written = write_initrd({directory.path() + "/none"}, directory.path() + "/initrd.img");
  REQUIRE(!written);
  CHECK(written.error().message.find("/none") != std::string::npos);
}

TEST_CASE("initrd: without archives there is no file") {
  TempDir directory;
  REQUIRE(write_initrd({}, directory.path() + "/initrd.img"));
  CHECK(!host::read_file(directory.path() + "/initrd.img", 10));
}

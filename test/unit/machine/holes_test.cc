#include "machine/holes.h"

#include <sys/stat.h>

#include "support.h"

using namespace banger;
using namespace banger::machine;

TEST_CASE("holes: zeros become holes, and the content stays") {
  TempDir directory;
  auto path = directory.path() + "/memory";
  std::string content(3 << 20, '\0');
  content[0] = 'a';
  content[(1 << 20) + 5] = 'b';
  content += std::string(100, '\0');  // no whole block at the end
  REQUIRE(host::write_file(path, content));
  auto before = host::disk_usage(path);
  REQUIRE(punch_holes(path));
  CHECK(host::read_file(path, 8 << 20) == content);
  CHECK(host::disk_usage(path) < before);
  CHECK(host::disk_usage(path) <= 256 * 1024);  // two blocks, and what the file system needs
  REQUIRE(punch_holes(path));
  CHECK(host::read_file(path, 8 << 20) == content);
}

TEST_CASE("holes: a file without any, an empty one and a missing one") {
  TempDir directory;
  auto path = directory.path() + "/full";
  std::string content(200'000, 'x');
  REQUIRE(host::write_file(path, content));
  REQUIRE(punch_holes(path));
  CHECK(host::read_file(path, 1 << 20) == content);
  REQUIRE(host::write_file(path, ""));
  CHECK(punch_holes(path));
  CHECK(!punch_holes(directory.path() + "/none"));
}

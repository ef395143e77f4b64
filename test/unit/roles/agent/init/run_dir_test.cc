#include "catch.h"
#include "roles/agent/init/boot.h"
#include "support/temp_dir.h"

using namespace banger;
using namespace banger::roles::agent::init;

TEST_CASE("init: reads the guest config with the payloads its files name") {
  test::TempDir directory;
  directory.put("config.json", R"({"hostname":"web","files":[{"path":"/b","payload":1},{"path":"/a","payload":0}]})");
  directory.put("files/0", "first");
  directory.put("files/1", std::string("\0second", 7));
  auto config = read_config(directory.path());
  REQUIRE(config);
  CHECK(config->hostname == "web");
  CHECK(config->files.at(0).data == std::string("\0second", 7));
  CHECK(config->files.at(1).data == "first");
}

TEST_CASE("init: a missing or broken guest config is an error that names it") {
  test::TempDir directory;
  auto missing = read_config(directory.path());
  REQUIRE_FALSE(missing);
  CHECK_THAT(missing.error().message, Catch::Contains("config.json"));
  directory.put("config.json", R"({"files":[{"path":"/b","payload":0}]})");
  auto broken = read_config(directory.path());
  REQUIRE_FALSE(broken);
  CHECK_THAT(broken.error().message, Catch::Contains("payload 0"));
}

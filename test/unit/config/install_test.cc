// /etc/banger/install.toml: accepted content, and accepted owners of the file.
#include "config/install.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <fstream>

#include "catch.h"
#include "support/temp_dir.h"

using namespace banger;
using namespace banger::config;

namespace {
std::string error_of(std::string_view text) {
  auto parsed = parse_install(text, "i.toml");
  return parsed ? "" : parsed.error().sentence();
}
}  // namespace

TEST_CASE("install: a written file reads back the same") {
  Install install{.owner = "ana",
                  .bridge_name = "br-x",
                  .bridge_ip = "10.9.0.1",
                  .cidr = 20,
                  .roots = {"/home/ana/.local/state/banger", "/srv/a \"b\" \\c"},
                  .jailer = "/opt/\"j\"",
                  .firecracker = "/opt/firecracker"};
  auto parsed = parse_install(format_install(install), "i.toml");
  REQUIRE(parsed);
  CHECK(*parsed == install);
  auto least = parse_install("owner = \"ana\"", "i.toml");
  REQUIRE(least);
  CHECK(*least == Install{.owner = "ana"});
}

TEST_CASE("install: an unknown key, a missing owner and every wrong value is an error with its line") {
  CHECK(error_of("") == "i.toml: 'owner' is missing");
  CHECK(error_of("owner = \"a\"\nbridge = \"x\"").starts_with("i.toml:2: unknown key 'bridge'"));
  CHECK(error_of("ower = \"a\"").find("did you mean 'owner'") != std::string::npos);
  for (auto* line : {"owner = 1",
                     "owner = \"\"",
                     "owner = \"../x\"",
                     "owner = \"a b\"",
                     "owner = \"-a\"",
                     "bridge_name = \"0123456789abcdef\"",
                     "bridge_name = \"a/b\"",
                     "bridge_name = \"..\"",
                     "bridge_ip = \"1.2.3\"",
                     "bridge_ip = \"1.2.3.4/8\"",
                     "bridge_ip = \"::1\"",
                     "cidr = 7",
                     "cidr = 31",
                     "cidr = \"24\"",
                     "roots = \"/a\"",
                     "roots = [1]",
                     "roots = [\"a\"]",
                     "roots = [\"/a/../b\"]",
                     "roots = [\"/\"]",
                     "[owner]"}) {
    INFO(line);
    CHECK(error_of(line).starts_with("i.toml:1: "));
  }
  for (auto* line : {"jailer = 1", "jailer = \"jailer\"", "firecracker = \"/a/../b\""})
    CHECK(error_of(line).starts_with("i.toml:1: "));
  for (auto* line : {"jailer = \"/a\"", "firecracker = \"/a\""})
    CHECK(error_of(std::string("owner = \"a\"\n") + line + "\n") ==
          "i.toml: 'jailer' and 'firecracker' must both be set, or neither");
}

TEST_CASE("install: a file that users other than root can write is refused") {
  test::TempDir directory;
  auto path = directory / "install.toml";
  CHECK(load_install(path).error().code == ErrorCode::not_found);
  std::ofstream(path) << "owner = \"ana\"\n";
  if (::geteuid() == 0) {
    REQUIRE(::chmod(path.c_str(), 0644) == 0);
    CHECK(load_install(path));
    REQUIRE(::chmod(path.c_str(), 0664) == 0);
    CHECK(load_install(path).error().code == ErrorCode::denied);
    REQUIRE(::chmod(path.c_str(), 0644) == 0);
    REQUIRE(::chown(path.c_str(), 65534, 0) == 0);
  }
  CHECK(load_install(path).error().code == ErrorCode::denied);
  std::filesystem::create_symlink("/etc/hostname", directory / "link");
  CHECK_FALSE(load_install(directory / "link"));
}

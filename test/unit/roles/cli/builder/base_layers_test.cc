// Base images of a build, from this host's store.
#include "roles/cli/builder/base_layers.h"

#include <sys/stat.h>

#include <fstream>

#include "base/bounds.h"
#include "catch.h"
#include "ext4/ext4.h"
#include "roles/cli/export_bundle.h"
#include "roles/cli/helpers.h"
#include "support/run.h"

using namespace banger;
using namespace banger::roles::cli;
using Catch::Matchers::Contains;

TEST_CASE("base image: a registered file is packed, unless it has changed") {
  test::Home home;
  test::FakeDaemon served(home);
  Io io{.env = [&](const std::string& name) -> std::optional<std::string> {
          auto found = home.variables.find(name);
          return found == home.variables.end() ? std::nullopt : std::optional(found->second);
        },
        .environment = {},
        .daemon_command = home.daemon_command};
  auto file = home.path() + "/mine.ext4";
  REQUIRE(ext4::make_empty_ext4(file, {.label = "mine", .size_bytes = 16 * limits::kMiB, .uuid_seed = "mine"}));
  REQUIRE(::chmod(file.c_str(), 0644) == 0);
  auto stores = Stores::open(io);
  REQUIRE(stores);
  host::Cancel cancel(*stores->runtime);
  auto quiet = [](std::string_view, std::string_view, int) {};
  REQUIRE(test::run(*stores->runtime, stores->images->register_file("mine", file, "k", quiet, cancel)));
  auto daemon = Daemon::connect(io);
  REQUIRE(daemon);
  auto base = find_base(io, *daemon, "mine", false);
  INFO((base ? "" : base.error().sentence()));
  REQUIRE(base);
  CHECK(base->layers.size() == 1);
  std::ofstream(file, std::ios::app) << "x";
  auto changed = find_base(io, *daemon, "mine", false);
  REQUIRE(!changed);
  CHECK(changed.error().code == ErrorCode::corrupt);
  CHECK_THAT(changed.error().sentence(), Contains("base image 'mine'") && Contains("has changed"));
}

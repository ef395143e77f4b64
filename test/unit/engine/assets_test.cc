// Images and kernels on demand: existing ones are used, and errors name the ones that cannot be made.
#include "engine/assets.h"

#include "catch.h"
#include "engine/fixture.h"

using namespace banger;
using namespace banger::engine;

TEST_CASE("assets: an image and a kernel that are there are taken at once, also while others are made") {
  test::Fixture f;
  host::Cancel never(f.daemon->runtime);
  auto image = f.run(ensure_image(f.daemon->services, "tiny", f.stages, never));
  REQUIRE(image);
  CHECK(image->name == "tiny");
  auto kernel = f.run(ensure_kernel(f.daemon->services, "tiny", f.stages, never));
  REQUIRE(kernel);
  CHECK(kernel->name == "tiny");
}

TEST_CASE("assets: what has no recipe and cannot be pulled is not found") {
  test::Fixture f;
  host::Cancel never(f.daemon->runtime);
  CHECK(f.run(ensure_image(f.daemon->services, "none", f.stages, never)).error().code == ErrorCode::not_found);
  CHECK(f.run(ensure_kernel(f.daemon->services, "none", f.stages, never)).error().code == ErrorCode::not_found);
}

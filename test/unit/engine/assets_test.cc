// Images and kernels on demand: existing ones are used, and errors name the ones that cannot be made.
#include "engine/assets.h"

#include "catch.h"
#include "engine/fixture.h"

using namespace banger;
using namespace banger::engine;

TEST_CASE("assets: an existing image and kernel are used at once, even while others are being made") {
  test::Fixture f;
  host::Cancel never(f.daemon->runtime);
  auto image = f.run(ensure_image(f.daemon->services, "tiny", f.stages, never));
  REQUIRE(image);
  CHECK(image->name == "tiny");
  auto kernel = f.run(ensure_kernel(f.daemon->services, "tiny", f.stages, never));
  REQUIRE(kernel);
  CHECK(kernel->name == "tiny");
}

TEST_CASE("assets: an image without a recipe and a kernel without a source are not found") {
  test::Fixture f;
  host::Cancel never(f.daemon->runtime);
  CHECK(f.run(ensure_image(f.daemon->services, "none", f.stages, never)).error().code == ErrorCode::not_found);
  CHECK(f.run(ensure_kernel(f.daemon->services, "none", f.stages, never)).error().code == ErrorCode::not_found);
}

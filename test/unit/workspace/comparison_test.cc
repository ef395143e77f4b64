#include "workspace/comparison.h"

#include "round.h"

using namespace banger;
using namespace banger::test;
using namespace banger::workspace;

TEST_CASE("comparison: counts files, lines and commits, also beside a cut history") {
  Round round;
  round.guest("printf '1\\n2\\n' >new && rm gone && printf '\\0' >binary && git add -A && git commit -qm one");
  auto changes = round.compare().changes();
  REQUIRE(changes.has_value());
  CHECK(changes->files == 3);
  CHECK(changes->added == 2);
  CHECK(changes->removed == 1);
  CHECK(round.compare().commits().value() == 1);
  REQUIRE(round.repo
              .sh("mv guest whole && git clone -q --depth 1 file://$PWD/whole guest && "
                  "mkdir guest/.git/banger && cp whole/.git/banger/prepared guest/.git/banger/")
              .status == 0);
  CHECK(round.compare("HEAD").commits().value() == 0);
  // Beside the empty tree, all commits that are there count.
  CHECK(round.compare("4b825dc642cb6eb9a060e54bf8d69288fbee4904").commits().value() == 1);
}

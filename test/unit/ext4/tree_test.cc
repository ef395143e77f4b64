#include "ext4/tree.h"

#include <fmt/format.h>

#include "base/bounds.h"
#include "catch.h"

using namespace banger;
using namespace banger::ext4;

TEST_CASE("tree: directories that are named again count what they now need") {
  Tree tree(make_directory(0755, {}), Symlinks::follow, 256 * limits::kKiB);
  auto name = [](int i) { return fmt::format("d{}", i); };
  for (int i = 0; i < 100; ++i) REQUIRE(tree.place(name(i), make_directory(0755, {})));
  Result<NodeId> last;
  for (int i = 0; i < 100 && last; ++i) {
    auto large = make_directory(0755, {});
    large.target = std::string(4096, 'x');
    last = tree.place(name(i), std::move(large));
  }
  REQUIRE(!last);
  CHECK(last.error().code == ErrorCode::exhausted);
}

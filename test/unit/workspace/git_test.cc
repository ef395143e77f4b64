#include "workspace/git.h"

#include "base/bounds.h"
#include "fixture.h"

using namespace banger;
using namespace banger::test;
using namespace banger::workspace;

TEST_CASE("git: an object of a guest that needs too much memory is an error that names a way out") {
  Repository repo;
  auto id = repo.sh("cd repo && head -c 100000000 /dev/zero | git -c core.compression=1 hash-object -w --stdin").output;
  id.pop_back();
  repo.git("update-index --add --cacheinfo 100644," + id + ",big");
  repo.git("commit -qm big");
  auto git = *Git::of_guest(repo.env(), repo.top() + "/.git", 64 * limits::kMiB);
  CHECK(git.run({"cat-file", "-t", id}).value() == "blob\n");
  auto patch = git.run({"diff-tree", "-p", "--binary", "--root", "HEAD"});
  REQUIRE_FALSE(patch.has_value());
  INFO(patch.error().sentence());
  CHECK(patch.error().code == ErrorCode::exhausted);
  CHECK(patch.error().hint.find("vm cp") != std::string::npos);
}

#include "workspace/git.h"

#include "base/bounds.h"
#include "fixture.h"

using namespace banger;
using namespace banger::test;
using namespace banger::workspace;

TEST_CASE("git: an object of a guest that needs too much memory is an error that names a way out") {
  Repository repo;
  auto id =
      repo.sh("cd repo && head -c 100000000 /dev/zero | git -c core.bigFileThreshold=1g hash-object -w --stdin").output;
  id.pop_back();
  auto git = *Git::of_guest(repo.env(), repo.top() + "/.git", 64 * kMiB);
  CHECK(git.run({"cat-file", "-t", id}).value() == "blob\n");
  auto read = git.run({"cat-file", "blob", id});
  REQUIRE_FALSE(read.has_value());
  INFO(read.error().sentence());
  CHECK(read.error().code == ErrorCode::exhausted);
  CHECK(read.error().hint.find("vm cp") != std::string::npos);
}

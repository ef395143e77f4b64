// Programs run to their end without an event loop.
#include "host/run_tool.h"

#include "catch.h"

using namespace banger;
using namespace banger::host;
using namespace std::chrono_literals;

TEST_CASE("run tool: gives the output, with nothing of our environment") {
  ::setenv("BANGER_LEAK", "x", 1);
  auto output = run_tool({"sh", "-c", "cat; pwd; echo \"${BANGER_LEAK-clean} $PATH\""}, 60s);
  REQUIRE(output);
  CHECK(*output == "/\nclean " + std::string(kSystemPath) + "\n");
}

TEST_CASE("run tool: the error of a failure has the last line, made printable") {
  auto failed = run_tool({"sh", "-c", "echo first >&2; printf 'bad \\033thing\\n' >&2; exit 3"}, 60s);
  REQUIRE_FALSE(failed);
  CHECK(failed.error().code == ErrorCode::unavailable);
  CHECK(failed.error().message == "sh failed (3): bad \\x1bthing");
  CHECK(run_tool({"no-such-program"}, 60s).error().code == ErrorCode::not_found);
}

TEST_CASE("run tool: who takes too long is killed, who says too much is cut") {
  CHECK(run_tool({"sleep", "1000"}, 50ms).error().code == ErrorCode::timeout);
  CHECK(run_tool({"sh", "-c", "head -c 1000000 /dev/zero"}, 60s)->size() == 64 * 1024);
}

#include "roles/agent/log_file.h"

#include <sys/stat.h>

#include "harness.h"
#include "roles/agent/bounds.h"

using namespace banger;
using namespace banger::roles::agent;

TEST_CASE("log_file: starts over when it is full") {
  test::TempDir dir;
  LogFile log(dir / "agent.log");
  std::string filler(1000, 'x');
  std::uintmax_t largest = 0;
  for (int i = 0; i < 600; ++i) {
    log().info("event", {{"filler", filler}});
    largest = std::max(largest, std::filesystem::file_size(dir / "agent.log"));
  }
  CHECK(largest > limits::kAgentLogBytes);
  CHECK(largest < limits::kAgentLogBytes + 2000);
  auto text = host::read_file(dir / "agent.log", 1 << 20);
  REQUIRE(text);
  CHECK(text->find("log.restarted") != std::string::npos);
  CHECK(text->find('\0') == std::string::npos);
}

TEST_CASE("log_file: an unwritable path is not a failure") {
  LogFile log("/nonexistent/agent.log");
  log().debug("nothing is printed at this level");
}

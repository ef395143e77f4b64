#include "machine/vmm_process.h"

#include <signal.h>

#include "support.h"

using namespace banger;
using namespace banger::machine;

namespace {

struct Started : WaitingProcess {
  Started() : WaitingProcess("token-1234") {
    auto id = host::process_id(child.pid());
    REQUIRE(id);
    record = {.driver = "qemu",
              .accelerator = "tcg",
              .version = "1",
              .process = *id,
              .token = "token-1234",
              .directory = "/"};
  }
  MachineRecord record;
};

}  // namespace

TEST_CASE("vmm process: lives on when its owner is destroyed, and can be adopted") {
  Started started;
  {
    VmmProcess owner(std::move(started.child), started.record.process);
  }
  auto adopted = VmmProcess::adopt(started.record);
  REQUIRE(adopted);
  CHECK(!adopted->ended());
  REQUIRE(adopted->kill());
  host::Runtime runtime;
  auto ended = run(runtime, host::wait_readable(runtime, adopted->pidfd(), host::after(std::chrono::seconds(10))));
  REQUIRE(ended);
  CHECK(*ended);
  auto status = adopted->exit_status();
  REQUIRE(status);
  CHECK(status->signal == SIGKILL);
  CHECK(adopted->kill());
}

TEST_CASE("vmm process: is not adopted under another token, start time or after its end") {
  Started started;
  auto other_token = started.record;
  other_token.token = "token-5678";
  auto other_start = started.record;
  other_start.process.start_time += 1;
  auto no_token = started.record;
  no_token.token = "";
  for (const auto& record : {other_token, other_start, no_token}) {
    auto adopted = VmmProcess::adopt(record);
    REQUIRE(!adopted);
    CHECK(adopted.error().code == ErrorCode::not_found);
  }
  started.input.reset();
  started.child.wait();
  CHECK(VmmProcess::adopt(started.record).error().code == ErrorCode::not_found);
}

TEST_CASE("vmm process: killing it waits for its end and reaps it, and may be repeated") {
  Started started;
  VmmProcess process(std::move(started.child), started.record.process);
  host::Runtime runtime;
  REQUIRE(run(runtime, process.kill_and_wait(runtime)));
  CHECK(process.ended());
  CHECK(process.exit_status()->signal == SIGKILL);
  CHECK(!host::process_id(started.record.process.pid));
  CHECK(run(runtime, process.kill_and_wait(runtime)));
  CHECK(run(runtime, process.wait_ended(runtime)));
}

TEST_CASE("vmm process: tells its exit code once it has ended") {
  Started started;
  VmmProcess process(std::move(started.child), started.record.process);
  CHECK(!process.exit_status());
  started.input.reset();
  host::Runtime runtime;
  auto ended = run(runtime, host::wait_readable(runtime, process.pidfd(), host::after(std::chrono::seconds(10))));
  REQUIRE(ended);
  REQUIRE(process.exit_status());
  CHECK(process.exit_status()->code == 7);
  CHECK(process.ended());
}

TEST_CASE("vmm process: has figures while it lives and none afterwards") {
  Started started;
  auto pid = started.record.process.pid;
  VmmProcess process(std::move(started.child), started.record.process);
  auto stats = process.stats();
  REQUIRE(stats);
  CHECK(stats->resident_bytes > 100'000);
  CHECK(stats->proportional_bytes > 0);
  CHECK(stats->proportional_bytes <= stats->resident_bytes);
  started.input.reset();
  host::Runtime runtime;
  (void)run(runtime, host::wait_readable(runtime, process.pidfd(), host::after(std::chrono::seconds(10))));
  REQUIRE(process.exit_status());
  INFO("pid " << pid);
  REQUIRE(!process.stats());
  CHECK(process.stats().error().code == ErrorCode::not_found);
}

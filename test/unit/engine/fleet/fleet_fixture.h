// A fixture with a VmManager, as a daemon has it.
#pragma once

#include <memory>
#include <string>

#include "catch.h"
#include "engine/fixture.h"
#include "engine/fleet/manager.h"

namespace banger::test {

struct FleetFixture : Fixture {
  FleetFixture() { start_manager(); }

  void start_manager() {
    vms = std::make_unique<engine::VmManager>(daemon->services);
    REQUIRE(vms->load());
  }
  /// Ends the daemon, starts the next one and recovers all VMs.
  void die() {
    vms.reset();
    restart();
    start_manager();
    CHECK(run(vms->recovery().recover_all(host::after(std::chrono::minutes(1)))));
  }
  /// Asks for a small VM that starts from a template.
  static engine::CreateRequest named(std::string name) {
    return {.name = std::move(name),
            .spec = small_spec(),
            .start = true,
            .wait = engine::WaitFor::agent,
            .cold = false,
            .from = "",
            .ephemeral = false};
  }
  Result<std::shared_ptr<engine::VmOwner>> create(engine::CreateRequest request) {
    host::Cancel never(daemon->runtime);
    return run(vms->create(std::move(request), stages, never));
  }

  std::unique_ptr<engine::VmManager> vms;
};

}  // namespace banger::test

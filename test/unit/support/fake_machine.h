// A VMM in memory. Its processes belong to a FakeHost and outlive drivers, machines and the runtime, as real ones
// outlive the daemon. Every call is a step of the test's log: "vmm start", "vmm pause", … A step that is made to fail
// has no effect.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "machine/machine.h"
#include "support/call_log.h"
#include "support/fake_agent.h"

namespace banger::test {

/// What runs on the host.
struct FakeProcess {
  machine::MachineRecord record;
  machine::MachineConfig config;
  std::shared_ptr<FakeGuest> guest = std::make_shared<FakeGuest>();
  std::vector<std::uint64_t> drive_bytes;  ///< what resize_drive() was told last; zero: nothing
  bool running = true, paused = false;
  machine::MachineExit exit;
  std::vector<std::weak_ptr<host::Event>> watchers;

  void end(machine::MachineExit how);
};

struct FakeHost {
  explicit FakeHost(CallLog& l) : log(l) {}
  CallLog& log;
  std::map<int, std::shared_ptr<FakeProcess>> processes;  ///< by pid; also those that have ended
  /// The token, in hex, that a machine's guest knows when it comes up.
  std::function<std::string(const machine::MachineConfig&)> guest_token;
  std::string build_key = "fake build 1";
  bool early = false;          ///< whether prepare_save() lets machines start from what is still being saved
  bool obeys_button = true;    ///< the guest powers off when its power button is pressed
  bool obeys_shutdown = true;  ///< and when its agent is asked
  bool ends_at_once = false;   ///< the guest powers off as soon as it is started
  machine::MachineMetrics metrics;

  std::vector<std::shared_ptr<FakeProcess>> running() const;
  /// Of that VM; null when none runs.
  std::shared_ptr<FakeProcess> of(std::string_view vm_id) const;
  std::shared_ptr<FakeProcess> by_token(std::string_view token) const;
};

class FakeDriver final : public machine::Driver {
 public:
  FakeDriver(host::Runtime& runtime, FakeHost& host) : runtime_(runtime), host_(host) {}
  std::string_view name() const override { return "fake"; }
  Task<Result<std::unique_ptr<machine::Machine>>> start(const machine::MachineConfig& config,
                                                        const machine::StartObserver& observer) override;
  machine::MachineRecord planned(const machine::MachineConfig& config) const override;
  Task<Result<std::unique_ptr<machine::Machine>>> adopt(const machine::MachineRecord& record, bool go_on) override;
  std::string build_key() const override { return host_.build_key; }

 private:
  host::Runtime& runtime_;
  FakeHost& host_;
};

}  // namespace banger::test

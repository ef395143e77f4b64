// A fake VMM in memory. Its processes belong to a FakeHost. They survive drivers, machines and the runtime, as real
// processes survive the daemon. Every call is a step of the log, for example "vmm start". A failed step has no effect.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "machine/machine.h"
#include "support/call_log.h"
#include "support/fake_agent.h"

namespace banger::test {

/// One process of the fake VMM.
struct FakeProcess {
  machine::MachineRecord record;
  machine::MachineConfig config;
  std::shared_ptr<FakeGuest> guest = std::make_shared<FakeGuest>();
  std::vector<std::uint64_t> drive_bytes;  ///< the last size of each drive from resize_drive(); zero if never resized
  machine::DiskLimits disk_limits;         ///< those of the start, or of the last limit_disks()
  bool running = true, paused = false;
  machine::MachineStats stats;
  bool hangs = false;          ///< the guest hangs: its link is open, and nobody answers there
  std::string paused_because;  ///< why the VMM has paused the guest
  bool room = true;            ///< whether a guest that the VMM has paused can go on
  machine::MachineExit exit;
  std::vector<std::weak_ptr<host::Event>> watchers;

  void end(machine::MachineExit how);
};

struct FakeHost {
  explicit FakeHost(CallLog& l) : log(l) {}
  CallLog& log;
  std::map<int, std::shared_ptr<FakeProcess>> processes;  ///< by pid; includes ended processes
  /// Returns the link token, in hex, that the guest of a new machine accepts.
  std::function<std::string(const machine::MachineConfig&)> guest_token;
  std::string build_key = "fake build 1";
  bool early = false;          ///< result of prepare_save(): machines may start from an unfinished saved state
  bool obeys_button = true;    ///< whether the guest powers off when its power button is pressed
  bool obeys_shutdown = true;  ///< whether the guest powers off when its agent gets /shutdown
  bool system_ready = true;    ///< whether the system of a new guest comes up
  int hanging_boots = 0;       ///< so many of the next guests that boot hang, and use a lot of processor time
  bool ends_at_once = false;   ///< whether the guest powers off right after its start
  machine::MachineMetrics metrics;

  std::vector<std::shared_ptr<FakeProcess>> running() const;
  /// The running process of this VM, or null.
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
  Task<Result<std::unique_ptr<machine::Machine>>> adopt(const machine::MachineRecord& record,
                                                        machine::Paused paused) override;
  std::string build_key() const override { return host_.build_key; }

 private:
  host::Runtime& runtime_;
  FakeHost& host_;
};

}  // namespace banger::test

// One running QEMU, started or adopted.
#pragma once

#include "machine/connect.h"
#include "machine/qemu/qmp.h"
#include "machine/vmm_process.h"

namespace banger::machine::qemu {

/// QEMU's report about the end of its guest (the QMP event SHUTDOWN).
struct GuestEnd {
  bool guest_initiated = false;
  std::string reason;  ///< "guest-shutdown", "guest-reset", "host-signal", … (qapi/run-state.json, ShutdownCause)
};

/// What QEMU's events have reported. Control connections share it. Source: qapi/run-state.json, qapi/block-core.json.
struct Reports {
  std::optional<GuestEnd> end;
  bool stopped = false;           ///< STOP came after the last RESUME. The daemon's own commands cause both events, too
  std::string failure;            ///< of the last write that stopped the guest: "No space left on device"
  std::function<void()> changed;  ///< called after each STOP and RESUME; may be empty
};

/// State that a machine's coroutines share. It outlives the Machine while a coroutine waits.
struct QemuState {
  QemuState(host::Runtime& on, MachineRecord what, VmmProcess with)
      : runtime(on), record(std::move(what)), process(std::move(with)), control(on) {}
  host::Runtime& runtime;
  MachineRecord record;
  VmmProcess process;
  host::Mutex control;       ///< one (re)connect at a time, because QEMU serves one client
  std::unique_ptr<Qmp> qmp;  ///< may be null or closed
  std::shared_ptr<Reports> reports = std::make_shared<Reports>();
  std::string paused_because;           ///< as Machine::paused_because()
  std::optional<MachineExit> ended_as;  ///< the end of the guest, for a process that was killed after that end
  bool killed = false;
};

/// Stores events in `reports`.
Qmp::OnEvent note_events(std::shared_ptr<Reports> reports);

/// Opens state.qmp again. The caller keeps `state` alive.
Task<Result<>> connect_control(QemuState& state);

/// Acts on a status in which the guest does not run, as query-status returns it. After an I/O error the guest waits for
/// resume(). If QEMU has given the guest up, the process is ended.
Task<> act_on_status(std::shared_ptr<QemuState> state, std::string status);

std::unique_ptr<Machine> make_machine(std::shared_ptr<QemuState> state);

}  // namespace banger::machine::qemu

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

/// State that a machine's coroutines share. It outlives the Machine while a coroutine waits.
struct QemuState {
  QemuState(host::Runtime& on, MachineRecord what, VmmProcess with)
      : runtime(on), record(std::move(what)), process(std::move(with)), control(on) {}
  host::Runtime& runtime;
  MachineRecord record;
  VmmProcess process;
  host::Mutex control;       ///< one (re)connect at a time, because QEMU serves one client
  std::unique_ptr<Qmp> qmp;  ///< may be null or closed
  std::shared_ptr<std::optional<GuestEnd>> end = std::make_shared<std::optional<GuestEnd>>();
  bool killed = false;
};

/// Stores the SHUTDOWN event in `end`.
Qmp::OnEvent note_end(std::shared_ptr<std::optional<GuestEnd>> end);

/// Opens state.qmp again. The caller keeps `state` alive.
Task<Result<>> connect_control(QemuState& state);

std::unique_ptr<Machine> make_machine(std::shared_ptr<QemuState> state);

}  // namespace banger::machine::qemu

// One running Firecracker, started or adopted.
#pragma once

#include <memory>
#include <optional>

#include "base/log.h"
#include "machine/firecracker/api_message.h"
#include "machine/firecracker/version.h"
#include "machine/vmm_process.h"

namespace banger::machine::firecracker {

/// State that a machine's coroutines share. It outlives the Machine while a coroutine waits.
struct FirecrackerState {
  FirecrackerState(host::Runtime& on, const Logger& to, MachineRecord what, Version which, VmmProcess with)
      : runtime(on),
        log(to),
        record(std::move(what)),
        version(which),
        process(std::move(with)),
        control(on),
        counting(on) {}
  host::Runtime& runtime;
  const Logger& log;
  MachineRecord record;
  Version version;
  VmmProcess process;
  host::Mutex control;   ///< one request at a time, because Firecracker serves only one
  host::Mutex counting;  ///< one reader of the metrics at a time
  UniqueFd link;         ///< the last connection of open_link(), kept to end it
  bool killed = false;
  std::optional<MachineExit> ended_as;  ///< the end of the guest, for a process that was killed after that end
  bool paused = false, saved = false;   ///< saved: since the pause
};

/// Sends one request to a running machine, after earlier requests. Returns the body of the answer.
Task<Result<std::string>> control(std::shared_ptr<FirecrackerState> state, std::string what, ApiRequest request,
                                  std::chrono::milliseconds wait);

std::unique_ptr<Machine> make_machine(std::shared_ptr<FirecrackerState> state);

}  // namespace banger::machine::firecracker

// One running Firecracker. Started and taken-over ones are the same from here on.
#pragma once

#include <memory>

#include "base/log.h"
#include "machine/firecracker/api_message.h"
#include "machine/firecracker/version.h"
#include "machine/vmm_process.h"

namespace banger::machine::firecracker {

/// What a machine's coroutines share. It outlives the Machine while someone waits.
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
  host::Mutex control;                  ///< one request at a time: Firecracker serves no more
  host::Mutex counting;                 ///< one reader of the metrics at a time
  UniqueFd link;                        ///< the connection open_link() gave out last, to end it
  bool killed = false, halted = false;  ///< halted: killed because its guest had powered itself off
  bool paused = false, saved = false;   ///< saved: since it was paused
};

/// One request to a running machine, in its turn. The value is the answer's body.
Task<Result<std::string>> control(std::shared_ptr<FirecrackerState> state, std::string what, ApiRequest request,
                                  std::chrono::milliseconds wait);

std::unique_ptr<Machine> make_machine(std::shared_ptr<FirecrackerState> state);

}  // namespace banger::machine::firecracker

// Ending a VM's machine, and removing a VM.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>

#include "engine/vm/parts.h"

namespace banger::engine {

/// How a machine ended, for the record.
struct Ended {
  std::string how;         ///< in words; empty: no machine ended, and the record keeps the last end
  std::string last_error;  ///< empty: nothing failed
};
/// An end by a failure.
inline Ended failed(std::string error) { return {.how = error, .last_error = error}; }

/// An end that nobody asked for.
Ended ended_by(const machine::MachineExit& exit);

/// Records `state` before an operation that ends or removes the VM. A full disk must not stop this operation, so then
/// the record keeps its old state. After a crash, recovery ends in the same way or keeps the VM.
Result<> announce(VmParts& vm, vm::State state);
/// Closes the link and ends the process, if there is one. The process stays known until it has ended.
Task<Result<>> end_machine(VmParts& vm);
/// Call this after the process has ended. Releases the VM's host resources and records `state`: stopped or suspended.
/// `goes_on_from`: the saved state from which a suspended VM will continue; nullopt: the recorded one.
Task<Result<>> settle(VmParts& vm, vm::State state, Ended ended, std::optional<std::string> goes_on_from = {});
/// Asks the guest to shut down, through its agent or else through its firmware. Does not wait for the shutdown. True
/// when the agent has accepted the request; otherwise the guest may have missed the request.
Task<bool> ask_guest_to_stop(VmParts& vm);
/// Asks the guest to shut down, waits, and ends the machine. `given_up` ends the wait. Returns why the machine was
/// killed; empty: the guest has shut down. A guest that waits for room on a full disk cannot shut down, so nobody waits
/// for that guest.
Task<Result<std::string>> shut_down(VmParts& vm, std::chrono::milliseconds timeout, std::function<bool()> given_up);
/// Call this after the process has ended. Removes everything that belongs to the VM, then its record.
Task<Result<>> remove_everything(VmParts& vm);

}  // namespace banger::engine

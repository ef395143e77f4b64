// The end of a VM's machine, and of the VM.
#pragma once

#include <optional>
#include <string>

#include "engine/vm/parts.h"

namespace banger::engine {

/// Closes the link and ends the process, if there is one. It is forgotten only when it is gone.
Task<Result<>> end_machine(VmParts& vm);
/// The process is gone: what it held of the host is released, and the VM is `state`: stopped or suspended.
/// `goes_on_from`: the saved state that a suspended VM is to go on from, if it is another one now.
Task<Result<>> settle(VmParts& vm, vm::State state, std::string last_error = "",
                      std::optional<std::string> goes_on_from = {});
/// What the guest is asked before it is forced: its agent, else its firmware.
Task<> ask_guest_to_stop(VmParts& vm);
/// No process is left: removes all that is the VM's, then its record.
Task<Result<>> remove_everything(VmParts& vm);

}  // namespace banger::engine

// A warning for people: the network of a new VM leads to services that listen on this host's loopback only.
#pragma once

#include <string>

#include "api/objects/vm.h"
#include "roles/cli/command.h"
#include "vm/network.h"

namespace banger::roles::cli {

/// Empty if the guest does not reach the host, or if `asked` says that somebody chose this network.
std::string open_network_note(const api::VmObject& vm, vm::NetworkChoice asked);

/// Prints the note on a terminal. Programs find the network in the VM object.
void note_open_network(const Context& context, const Io& io, const api::VmObject& vm);

}  // namespace banger::roles::cli

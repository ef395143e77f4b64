// A network of a user's own, without root: a network namespace in a user namespace (user_namespaces(7)). User numbers
// are the same inside. A process inside has all capabilities there, and loses them with its next exec unless it passes
// them on (confine.h).
#pragma once

#include <sys/types.h>

#include <string>

#include "base/result.h"
#include "base/unique_fd.h"

namespace banger::host {

/// Descriptors of both namespaces. They exist as long as a process or a descriptor holds them.
struct Namespaces {
  UniqueFd user, network;
};

/// Moves this process into new namespaces, in which only its own user and group exist. `denied`, with a hint, where the
/// host forbids them. REQUIRES: this process has one thread.
Result<> enter_new_namespaces();

/// Moves this process into existing ones. REQUIRES: as above.
Result<> enter_namespaces(const Namespaces& namespaces);

/// The namespaces of a process of this user. `not_found` when the process is gone.
Result<Namespaces> namespaces_of(pid_t pid);

/// A text that no other namespaces have, as long as these exist. Empty on an error.
std::string identity_of(const Namespaces& namespaces);

}  // namespace banger::host

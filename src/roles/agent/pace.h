// How long what can wait is put off in a guest that has just become a machine of its own.
#pragma once

#include <chrono>

namespace banger::roles::agent {

/// The time that a first command has the guest to itself, by how long the guest took to become what it is. On a busy
/// host, where many come up at once, the command takes longer by as much. Between 0.7 and 5 seconds.
std::chrono::milliseconds for_first_command(std::chrono::nanoseconds identity_took);

}  // namespace banger::roles::agent

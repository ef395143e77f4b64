// The delay of work that can wait, in a guest that has just got its own identity.
#pragma once

#include <chrono>

namespace banger::roles::agent {

/// The time during which a first command has the guest to itself, from 0.7 to 5 seconds. It grows with the time that
/// the identity took, because on a busy host a command takes longer in the same proportion.
std::chrono::milliseconds for_first_command(std::chrono::nanoseconds identity_took);

}  // namespace banger::roles::agent

// Bounds of the QEMU driver, each with its reason.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

#include "base/bounds.h"

namespace banger::limits {

// -- QMP
inline constexpr std::size_t kQmpLineBytes = 1 * kMiB;  ///< one message; real ones are below 100 KiB
inline constexpr std::size_t kQmpWordBytes = 60;        ///< of a reason in an event; real ones have one line
inline constexpr std::size_t kQmpInFlight = 64;         ///< unanswered commands, so that a stuck QEMU cannot hoard them
inline constexpr auto kQmpGreetingDeadline = 20s;  ///< from start to greeting; 40 ms, but a swapping host is slower
inline constexpr auto kQmpReplyDeadline = 5s;      ///< the commands used answer within milliseconds

// -- saved states
inline constexpr auto kStateSaveDeadline = 30s;   ///< device state is written in 2 ms; a busy disk is slower
inline constexpr auto kStateReadDeadline = 10s;   ///< for QEMU to read more of its state from the pipe
inline constexpr int kStatePipeBytes = 1 * kMiB;  ///< larger than most states, and the most that any user may ask for
inline constexpr auto kMappingPoll = 2ms;         ///< QEMU maps its memory some milliseconds after its start
inline constexpr auto kResumePoll = 1ms;          ///< a clone's first command waits for this
/// changed pages that a fork stores beside its parent's file: every child has its own copy of these, but shares a file
inline constexpr std::uint64_t kForkChangesBytes = 64 * kMiB;

// -- the cage
/// each connection of a guest in the user network takes a descriptor; disks and channels take some tens
inline constexpr std::uint64_t kVmmDescriptors = 4096;

// -- software emulation
inline constexpr std::uint64_t kTranslatedCodeBytes = 256 * kMiB;  ///< a full cache is emptied

}  // namespace banger::limits

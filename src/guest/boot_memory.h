// Where banger keeps its own files in a running guest, and the facts that it records on the system disk for later
// boots.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace banger::guest {

inline constexpr const char* kRunDir = "/run/banger";  ///< memory; 0700
/// The system disk's own mount, below the overlay. If the system disk is the root itself, this is a directory on it.
inline constexpr const char* kSystemDisk = "/run/banger/system";

/// Whether a first boot from this system disk has completed.
bool has_booted();
Result<> mark_booted();

/// Whether a list of commands has run already, by its hash. The record is on the system disk; without one it lasts
/// until power-off.
bool has_run(std::string_view hash);
Result<> mark_run(std::string_view hash);

}  // namespace banger::guest

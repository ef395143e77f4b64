// Where banger keeps its own things in a running guest, and what it remembers on the system disk between boots.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace banger::guest {

inline constexpr const char* kRunDir = "/run/banger";  ///< memory; 0700
/// The system disk's own mount, below the overlay; where the system disk is the root itself, a directory of it.
inline constexpr const char* kSystemDisk = "/run/banger/system";

/// This system disk has been through a whole first boot.
bool has_booted();
Result<> mark_booted();

/// Lists of commands already run, by hash: on the system disk, or until power-off where there is none.
bool has_run(std::string_view hash);
Result<> mark_run(std::string_view hash);

}  // namespace banger::guest

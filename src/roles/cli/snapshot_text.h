// How commands describe snapshots.
#pragma once

#include <string_view>

#include "api/objects/snapshot.h"

namespace banger::roles::cli {

inline std::string_view contents_of(const api::SnapshotObject& snapshot) {
  return snapshot.has_memory ? "memory, disks" : "disks";
}

}  // namespace banger::roles::cli

// Snapshots of VMs.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "api/object.h"

namespace banger::api {

struct SnapshotObject {
  std::string id;
  std::string name;
  std::string vm;
  std::string vm_id;
  std::string image;
  std::string kernel;
  std::uint32_t vcpus = 0;
  std::uint64_t memory_bytes = 0;
  std::uint64_t disk_bytes = 0;
  std::uint64_t system_bytes = 0;
  bool has_memory = false;
  std::int64_t created_at = 0;
  std::uint64_t size_bytes = 0;
  std::vector<std::string> used_by;
  static const Object kObject;
};

struct SnapshotList {
  std::vector<SnapshotObject> snapshots;
  static const Object kObject;
};

}  // namespace banger::api

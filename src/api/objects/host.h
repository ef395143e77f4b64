// The daemon and its host.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "api/object.h"

namespace banger::api {

struct DaemonStatus {
  std::string version;
  std::int64_t pid = 0;
  std::int64_t started_at = 0;
  std::string socket;
  std::string log;
  std::string state;
  std::int64_t vms_running = 0;
  std::uint64_t resident_bytes = 0;
  std::vector<std::string> recovered;
  static const Object kObject;
};

struct CheckObject {
  std::string name;
  std::string status;
  std::string detail;
  std::string hint;
  static const Object kObject;
};

struct CheckList {
  std::vector<CheckObject> checks;
  static const Object kObject;
};

struct LeftoverObject {
  std::string kind;
  std::string path;
  std::string reason;
  bool removed = false;
  static const Object kObject;
};

struct LeftoverList {
  std::vector<LeftoverObject> items;
  static const Object kObject;
};

/// Where each default comes from.
struct DefaultSources {
  std::string vcpus;
  std::string memory_bytes;
  std::string disk_bytes;
  std::string system_bytes;
  static const Object kObject;
};

struct DefaultsObject {
  std::uint32_t vcpus = 0;
  std::uint64_t memory_bytes = 0;
  std::uint64_t disk_bytes = 0;
  std::uint64_t system_bytes = 0;
  std::string image;
  DefaultSources sources;
  std::optional<std::uint32_t> host_cpus;
  std::optional<std::uint64_t> host_memory_bytes;
  static const Object kObject;
};

}  // namespace banger::api

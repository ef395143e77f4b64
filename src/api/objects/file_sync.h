// The files of the config's [[file_sync]], on their way into guests.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "api/object.h"

namespace banger::api {

struct SyncedFileObject {
  std::string path;
  bool directory = false;
  std::int64_t mode = 0;
  std::uint64_t bytes = 0;
  static const Object kObject;
};

struct SyncResult {
  std::string id;
  std::string name;
  std::uint64_t files = 0;
  std::uint64_t bytes = 0;
  std::vector<std::string> warnings;
  std::optional<std::vector<SyncedFileObject>> plan;
  std::optional<std::uint64_t> plan_more;
  static const Object kObject;
};

}  // namespace banger::api

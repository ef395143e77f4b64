// Files in a guest.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "api/object.h"

namespace banger::api {

struct FileObject {
  bool exists = false;
  std::string type;
  std::int64_t mode = 0;
  std::optional<std::string> target_type;
  static const Object kObject;
};

/// Describes the path that vm.get_files sends.
struct DownloadObject {
  std::string type;
  std::string name;
  static const Object kObject;
};

}  // namespace banger::api

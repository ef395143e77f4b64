// Files in a guest.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "api/object.h"

namespace banger::api {

struct FileObject {
  bool exists = false;
  std::string type;
  std::int64_t mode = 0;
  std::optional<std::string> target_type;
  std::optional<std::string> identity;
  std::optional<std::string> target_identity;
  std::optional<std::vector<std::string>> around;
  static const Object kObject;
};

/// Describes the path that vm.get_files sends.
struct DownloadObject {
  std::string type;
  std::string name;
  static const Object kObject;
};

struct ErrorObject {
  std::string code;
  std::string message;
  std::optional<std::string> hint;
  static const Object kObject;
};

/// A part of a tree that was not copied.
struct LeftOutObject {
  std::string path;
  std::string reason;
  static const Object kObject;
};

/// The line that the daemon sends after an upload: either `ok` or `error` is there.
struct UploadResult {
  std::optional<bool> ok;
  std::optional<ErrorObject> error;
  std::optional<std::vector<LeftOutObject>> left_out;
  std::optional<std::int64_t> left_out_more;
  static const Object kObject;
};

}  // namespace banger::api

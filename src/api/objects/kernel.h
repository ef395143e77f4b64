// Kernels.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "api/object.h"

namespace banger::api {

struct KernelObject {
  std::string name;
  std::string source;
  std::string release;
  std::string sha256;
  std::uint64_t size_bytes = 0;
  std::int64_t created_at = 0;
  std::string vmlinux;
  std::vector<std::string> modules;
  std::string modules_image;
  std::string initrd;
  std::vector<std::string> used_by;
  static const Object kObject;
};

struct KernelList {
  std::vector<KernelObject> kernels;
  std::vector<std::string> pullable;
  static const Object kObject;
};

/// The kernel that kernel.delete removed.
struct KernelName {
  std::string name;
  static const Object kObject;
};

}  // namespace banger::api

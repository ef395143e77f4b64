// Templates and the ready pool.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "api/object.h"

namespace banger::api {

struct TemplateObject {
  std::string id;
  std::string image;
  std::string image_id;
  std::string kernel;
  std::uint32_t vcpus = 0;
  std::uint64_t memory_bytes = 0;
  std::uint64_t disk_bytes = 0;
  std::uint64_t system_bytes = 0;
  std::string storage;
  std::string network;
  bool nat = false;
  std::string machine;
  std::string state;
  std::int64_t created_at = 0;
  std::int64_t used_at = 0;
  std::uint64_t size_bytes = 0;
  std::vector<std::string> used_by;
  static const Object kObject;
};

/// A clone in the ready pool.
struct PoolObject {
  std::string id;
  std::string template_id;
  std::string state;
  std::int64_t age_s = 0;
  std::uint64_t pss_bytes = 0;
  static const Object kObject;
};

struct TemplateList {
  std::vector<TemplateObject> templates;
  std::vector<PoolObject> pool;
  static const Object kObject;
};

struct DeletedTemplates {
  std::vector<std::string> deleted;
  static const Object kObject;
};

}  // namespace banger::api

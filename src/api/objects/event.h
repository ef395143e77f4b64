// Events of VMs.
#pragma once

#include <cstdint>
#include <string>

#include "api/object.h"

namespace banger::api {

struct EventObject {
  std::uint64_t sequence = 0;
  std::int64_t time_ms = 0;
  std::string event;
  std::string id;
  std::string name;
  std::string state;
  std::string detail;
  static const Object kObject;
};

}  // namespace banger::api

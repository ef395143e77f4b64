// SSH to a VM.
#pragma once

#include <string>

#include "api/object.h"

namespace banger::api {

struct SshObject {
  std::string id;
  std::string name;
  bool server = false;
  std::string host_key;
  std::string known_hosts;
  static const Object kObject;
};

}  // namespace banger::api

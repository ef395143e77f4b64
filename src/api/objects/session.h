// Sessions in a guest.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "api/object.h"

namespace banger::api {

struct SessionObject {
  std::string id;
  std::string name;
  std::string vm;
  std::string command;
  std::string cwd;
  std::string user;
  std::string stdin_mode;
  std::string state;
  std::int64_t pid = 0;
  std::optional<std::int64_t> exit_code;
  std::optional<std::int64_t> exit_signal;
  std::string reason;
  std::int64_t started_at = 0;
  std::int64_t ended_at = 0;
  bool attached = false;
  static const Object kObject;
};

struct SessionList {
  std::vector<SessionObject> sessions;
  static const Object kObject;
};

}  // namespace banger::api

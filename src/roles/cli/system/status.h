// The state of a system install, as `banger system status` shows it.
#pragma once

#include <string>
#include <vector>

#include "api/object.h"

namespace banger::roles::cli {

/// The words of systemctl: "active", "enabled".
struct ServiceState {
  std::string unit;
  std::string active;
  std::string enabled;
  bool is_active() const { return active == "active"; }
  static const api::Object kObject;
};

struct SystemStatus {
  std::string owner;
  std::string program;
  std::string version;
  std::string helper;  ///< the helper's version. The helper answers only the owner and root; for others, the error
  std::vector<ServiceState> services;
  static const api::Object kObject;
};

}  // namespace banger::roles::cli

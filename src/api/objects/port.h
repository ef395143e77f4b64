// What a guest listens on.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "api/object.h"

namespace banger::api {

struct PortObject {
  std::string protocol;
  std::string address;
  std::uint16_t port = 0;
  std::string process;
  std::string command;
  std::int64_t pid = 0;
  std::string scheme;
  std::string url;
  std::string forward;
  std::vector<std::string> published;
  std::string note;
  std::string hint;
  static const Object kObject;
};

struct PortList {
  std::vector<PortObject> ports;
  static const Object kObject;
};

}  // namespace banger::api

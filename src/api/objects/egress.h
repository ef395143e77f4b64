// What a guest with an egress policy reached and tried to reach.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "api/object.h"

namespace banger::api {

/// A row of the gate's log. A unit test compares the fields with egress/log.h.
struct EgressRow {
  std::string name;
  std::optional<std::string> address;
  std::optional<std::uint16_t> port;
  std::string verdict;
  std::string reason;
  std::optional<std::string> sentence;
  std::uint64_t sent = 0;
  std::uint64_t received = 0;
  std::uint64_t count = 0;
  std::int64_t first_at = 0;
  std::int64_t last_at = 0;
  std::uint64_t sequence = 0;
  static const Object kObject;
};

struct EgressLog {
  std::string policy;
  std::vector<EgressRow> rows;
  std::uint64_t sequence = 0;
  bool more = false;
  std::uint64_t forgotten = 0;
  static const Object kObject;
};

}  // namespace banger::api

// The target of a request: `/path?key=value`, percent-encoded (RFC 3986, 2.1 and 3.4; '+' is an ordinary byte).
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace banger::link {

struct Target {
  std::string path;
  std::vector<std::pair<std::string, std::string>> query;
};

/// `invalid` on a broken escape or a NUL byte.
Result<Target> parse_target(std::string_view text);

}  // namespace banger::link

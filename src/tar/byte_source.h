// Where a reader's bytes come from when they do not come straight from a descriptor.
#pragma once

#include <string_view>

#include "base/result.h"

namespace banger::tar {

class ByteSource {
 public:
  virtual ~ByteSource() = default;
  /// The next bytes, which live until the next call. Empty at the end, and then always.
  virtual Result<std::string_view> next() = 0;
};

}  // namespace banger::tar

// A stream compressed with gzip, for layers of container images.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "base/result.h"

namespace banger::tar {

struct Compressed {
  std::string plain_sha256, sha256;  ///< lower-case hex: of the bytes that were read, and of those that were written
  std::uint64_t plain_bytes = 0, bytes = 0;
};

/// Reads `from` to its end and writes one gzip member to `to`. The same bytes give the same result. `progress` gets the
/// number of bytes read so far; its error ends the work. Blocks.
Result<Compressed> gzip(int from, int to, const std::function<Result<>(std::uint64_t plain_bytes)>& progress = {});

}  // namespace banger::tar

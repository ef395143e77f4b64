// Compresses a stream with zstd. tar.h has the inverse, decompress().
#pragma once

#include "base/result.h"

namespace banger::tar {

/// Reads `from` to its end and writes one zstd frame with a checksum to `to`. Both are borrowed. The same bytes always
/// give the same frame. After an error of `to`, `from` is still read to its end, so that its writer gets no SIGPIPE.
Result<> compress(int from, int to);

}  // namespace banger::tar

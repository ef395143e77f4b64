// Decompresses a stream that may be hostile: exactly one compression, with the checks of its format. The tar reader's
// own decompression accepts streams that are compressed again and again.
#pragma once

#include <cstddef>
#include <memory>
#include <span>

#include "base/result.h"

namespace banger::tar {

class Decoder {
 public:
  virtual ~Decoder() = default;
  /// Fills `into` as far as the stream goes, and returns the number of bytes: less than the room only at the end.
  /// `corrupt` when the stream is damaged or cut short.
  virtual Result<std::size_t> read(std::span<char> into) = 0;
};

/// Chooses gzip (RFC 1952, any number of members), zstd (RFC 8878, any number of frames) or none by the first bytes.
/// `fd` is borrowed and at the start of the stream. Memory: limits::kZstdWindowLog.
Result<std::unique_ptr<Decoder>> open_decoder(int fd);

}  // namespace banger::tar

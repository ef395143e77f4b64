// Decompressing a whole buffer whose format its first bytes tell: what kernels and their modules are packed with.
// Not for archives or streams of unbounded size.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/result.h"

namespace banger::image {

enum class Packing { none, gzip, xz, zstd, lz4_legacy, bzip2, lzma, lzo };

/// By magic bytes; `none` when they are of no known format.
Packing packing_of(std::string_view bytes);
std::string_view to_string(Packing packing);

/// The content of gzip (RFC 1952), xz, zstd (RFC 8878) or LZ4 legacy-frame data (lz4_Frame_format.md, "Legacy frame");
/// bytes of no known format come back as they are. Untrusted input: `corrupt` when it does not decode or is cut short,
/// `exhausted` beyond max_bytes, `unsupported` for the other formats. Memory is taken as output is produced, never on
/// the word of a header.
Result<std::string> decompress(std::string_view bytes, std::size_t max_bytes);

}  // namespace banger::image

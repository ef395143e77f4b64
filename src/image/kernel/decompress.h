// Decompresses a whole buffer in one of the formats of kernels and their modules. The first bytes give the format. Not
// for archives or streams of unbounded size.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/result.h"

namespace banger::image {

enum class Packing { none, gzip, xz, zstd, lz4_legacy, bzip2, lzma, lzo };

/// By magic bytes; `none` when the format is unknown.
Packing packing_of(std::string_view bytes);
std::string_view to_string(Packing packing);

/// The content of gzip (RFC 1952), xz, zstd (RFC 8878) or LZ4 legacy-frame data (lz4_Frame_format.md, "Legacy frame").
/// Bytes of an unknown format are returned unchanged. Untrusted input: `corrupt` when it does not decode or is cut
/// short, `exhausted` beyond max_bytes, `unsupported` for the other formats. Memory grows with the output; sizes in
/// headers are not trusted.
Result<std::string> decompress(std::string_view bytes, std::size_t max_bytes);

}  // namespace banger::image

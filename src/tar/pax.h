// The headers of one member of a pax stream.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "tar/reader.h"

namespace banger::tar {

inline constexpr std::size_t kTarBlock = 512;  ///< headers and content are padded to blocks of so many bytes

/// All blocks before the content of `entry`. Names are bytes, without a statement about their character set. `data`:
/// the parts of a file with holes (GNU.sparse 0.1), in ascending order; empty means that the file has no holes. The
/// content has then only these parts.
std::string pax_headers(const TarEntry& entry, std::span<const Extent> data);

}  // namespace banger::tar

// Files of the repository that are compiled in. scripts/embed writes a table of them into a header.
#pragma once

#include <span>
#include <string_view>

namespace banger {

struct EmbeddedFile {
  std::string_view path;  ///< from the repository's root: "guest/ssh/sshd.conf"
  std::string_view text;
};

/// Null when no file has this path. In a constant expression, `->` on a missing file does not compile.
constexpr const EmbeddedFile* find_embedded(std::span<const EmbeddedFile> files, std::string_view path) {
  for (const auto& file : files)
    if (file.path == path) return &file;
  return nullptr;
}

}  // namespace banger

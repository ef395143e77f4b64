// A recipe as plain data, and the mmdebstrap command line it becomes. Pure: reads no files, runs nothing.
// images/README.md describes the format.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/embedded.h"
#include "base/result.h"

namespace banger::image {

struct RecipeFile {
  std::string path;  ///< absolute, in the image; missing parents are made 0755
  std::uint32_t mode = 0644;
  std::string text;
};

struct RecipePlan {
  std::string description;     ///< one line
  std::string kernel;          ///< the kernel that VMs of the image boot
  std::string suite;           ///< "bookworm"
  std::string variant;         ///< of mmdebstrap: "minbase"
  std::int64_t timestamp = 0;  ///< SOURCE_DATE_EPOCH: no file in the image is younger
  std::vector<std::string> packages;
  std::vector<std::string> exclude;  ///< dpkg path-exclude patterns, for the build only
  std::vector<std::string> include;  ///< dpkg path-include patterns, after the excludes
  std::vector<RecipeFile> files;
  std::vector<std::string> masked_units;  ///< systemd units
  std::vector<std::string> commands;      ///< shell commands, run in the image after all files are written
};

/// Reads images/<name>/recipe.json, the recipes it extends and the files it names, all from `embedded`. `invalid` names
/// the field.
Result<RecipePlan> parse_recipe(std::span<const EmbeddedFile> embedded, std::string_view name);

/// Files of the host that the image's apt sources name (keyrings). They are copied to the same path in the image.
using CopiedKeys = std::vector<std::string>;

/// The command reads sources from standard input and writes the tar stream to standard output.
std::vector<std::string> mmdebstrap_command(const RecipePlan& plan, const CopiedKeys& keys);

}  // namespace banger::image

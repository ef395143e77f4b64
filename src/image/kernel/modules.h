// Kernel modules as files: reads a module's own description, and selects the early modules of a tree. Loads nothing.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace banger::image {

/// From the `.modinfo` section of a module (modinfo(8)).
struct ModuleInfo {
  std::vector<std::string> depends;  ///< names as in the file; '-' and '_' mean the same in module names
  std::string release;               ///< first word of vermagic, the kernel it was built for; may be empty
};

/// `corrupt` when it is not an ELF64 file with sections in bounds. Untrusted input.
Result<ModuleInfo> read_module_info(std::string_view module);

/// Path by name of every module file under `tree`; symlinks are not followed. `exhausted` over limits::kArchiveEntries.
Result<std::map<std::string, std::string>> find_modules(const std::string& tree);

/// Copies the early modules under `tree` and all their dependencies, unpacked, into the new directory `into` as
/// `<name>.ko`. Symlinks are not followed. A missing module counts as built in. Returns the file names in load order.
/// `invalid` when a module is built for another kernel than `release` (if `release` is given).
Result<std::vector<std::string>> collect_early_modules(const std::string& tree, const std::string& into,
                                                       std::string_view release);

}  // namespace banger::image

// The changes of a guest as one patch (comparison.h), and a patch into a checkout of this host. Blocking.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "workspace/comparison.h"
#include "workspace/git.h"

namespace banger::workspace {

enum class Form {
  patch,
  stat,   ///< one line for each file, with the number of its changed lines
  names,  ///< the names of the changed files
};

struct PatchWish {
  Form form = Form::patch;
  std::vector<std::string> paths;  ///< only these files and directories; empty: all
};

struct Patch {
  std::string file;                 ///< the patch; empty file: nothing has changed
  std::vector<std::string> nested;  ///< repositories inside the tree, which are not part of the patch
  std::string index_damage;         ///< why ignored files that are only staged are not part of it; empty: they are
};

/// Writes the patch into the private `directory`. It has everything since the base: commits, changes that are not
/// committed, and new files that git does not ignore or that are staged. `exhausted` for a patch larger than
/// limits::kPatchBytes.
Result<Patch> make_patch(const Comparison& comparison, const std::string& directory, const PatchWish& wish);

/// Applies a patch to the working tree and the index of the checkout around `path`, wholly or not at all. `busy`, with
/// their names, if the checkout has changes of its own.
Result<> apply_patch(const host::GetEnv& env, const std::string& path, const std::string& patch,
                     const StopFlag* stop = nullptr);

/// Whether `apply_patch` would find a clean checkout there.
Result<> check_clean(const host::GetEnv& env, const std::string& path, const StopFlag* stop = nullptr);

}  // namespace banger::workspace

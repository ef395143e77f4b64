// What a build reads on this host: the Containerfile, the ignore file and the context.
#pragma once

#include <atomic>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "image/containerfile/ignore.h"
#include "image/stoppable.h"

namespace banger::roles::cli {

struct BuildContext {
  std::string directory;  ///< empty: the context is a tar on standard input
  std::string containerfile;
  std::string ignore_text;
  image::IgnoreRules ignore;

  /// Without `file`, the Containerfile is CONTEXT/Containerfile or CONTEXT/Dockerfile. The ignore file is
  /// FILE.containerignore or FILE.dockerignore, or else CONTEXT/.containerignore or CONTEXT/.dockerignore.
  /// `not_found`, with a hint, when there is no Containerfile. `context` "-" requires `file`. `denied` when a file that
  /// was found so is a link out of its directory. Only the context itself and `file` may be links to anywhere.
  static Result<BuildContext> find(const std::string& context, const std::optional<std::string>& file);
};

/// What the context lacks: a path below it, and why.
using Unsent = std::vector<std::pair<std::string, std::string>>;

/// Writes the context as a plain tar below `context/`, without what is ignored. Symlinks are sent as symlinks, so
/// nothing outside the context is read. Blocks. Adds what cannot be sent to `unsent`, and the bytes to `written`.
/// Leaves out the rest of the context once `stop` is set.
Result<> write_context(const BuildContext& context, int tar_fd, Unsent& unsent, std::atomic<std::uint64_t>& written,
                       const image::StopFlag& stop);

}  // namespace banger::roles::cli

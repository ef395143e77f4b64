// How far a guest's working tree and the checkout of this host have moved apart since the last prepare. Blocking.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "workspace/comparison.h"
#include "workspace/repository.h"

namespace banger::workspace {

/// Names of files whose content, kind or right to execute has changed.
struct ChangedFiles {
  std::vector<std::string> guest, host;
  std::vector<std::string> both;  ///< changed on both sides, and differently
};

/// `prepared`: what the last prepare left in the guest. `guest` and `host`: what is there now. Pure.
ChangedFiles changed_files(const FileStates& prepared, const FileStates& guest, const FileStates& host);

struct Divergence {
  std::string base;  ///< the commit that was prepared; empty: none
  GuestHead guest;
  std::size_t guest_commits = 0;            ///< of the guest's HEAD, since the base
  std::optional<std::size_t> host_commits;  ///< of the host's HEAD; nullopt: the host does not know the base
  ChangedFiles files;
};

/// Compares with the base that was prepared. `directory` is private and empty. New files of the host count when git
/// tracks them, or when they were prepared.
Result<Divergence> find_divergence(const Comparison& guest, const Source& source, const std::string& directory);

}  // namespace banger::workspace

// What is known of a checkout of this host without reading its files again (workspace/stat_cache.h): a file in the
// user's cache directory. Everything works without it.
#pragma once

#include <string>

#include "roles/cli/io.h"

namespace banger::roles::cli {

class KnownFiles {
 public:
  /// For the checkout with this top.
  KnownFiles(const Io& io, const std::string& top);
  std::string load() const;
  /// Also removes the lists of checkouts that nobody has used for limits::kKnownFilesAge.
  void store(const std::string& text) const;

 private:
  void prune() const;

  std::string directory_, path_;
};

}  // namespace banger::roles::cli

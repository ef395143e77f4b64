// A bundle: one image or one kernel as one tar.zst, which starts with manifest.json. All functions block.
#pragma once

#include <string>

#include "image/catalog/bundle_manifest.h"
#include "image/stoppable.h"
#include "image/store.h"

namespace banger::image::catalog {

/// Files of a store, and what a bundle says about them. Reads all files for their digests.
struct BundleContent {
  BundleManifest manifest;
  std::vector<std::string> files;  ///< the paths of the members, in the order of the manifest
};
/// Errors of check_host_file() too.
Result<BundleContent> bundle_of(const Image& image);
Result<BundleContent> bundle_of(const Kernel& kernel);

/// Writes the bundle to `fd`, which is borrowed and may be a pipe. The same content always gives the same bytes.
/// `corrupt` when a file has changed since bundle_of().
Result<> write_bundle(const BundleContent& content, int fd);

/// Reads a bundle from `fd` (borrowed) and writes its members into the existing, empty `directory`. Hostile input:
/// nothing outside `directory` is touched. The members must be those of the manifest, in its order, with their sizes
/// and digests, and nothing may follow. Otherwise `corrupt`. `invalid` when the bundle is of another kind, or no
/// bundle. Zeros become holes. `cancelled` once `stop` is set, which may happen on another thread.
/// Whether the archive in this file is a bundle. Leaves the file at its beginning.
bool is_bundle(int fd);
Result<BundleManifest> read_bundle(int fd, BundleKind kind, const std::string& directory,
                                   const StopFlag* stop = nullptr);

}  // namespace banger::image::catalog

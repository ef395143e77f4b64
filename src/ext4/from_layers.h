// Makes a file system from the layers of a container image: no tree on disk, no root, no mount.
// Source: the layer format of the OCI image specification (layer.md).
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "base/result.h"
#include "ext4/bounds.h"
#include "ext4/ext4.h"

namespace banger::ext4 {

/// One layer: a tar stream, plain or compressed with gzip or zstd, also in several members or frames.
struct Layer {
  int fd = -1;               ///< borrowed, at the start; a regular file, because reads have no deadline
  std::string digest;        ///< names the layer in errors
  std::string diff_id = {};  ///< `sha256:` and the hex digest of the decompressed bytes; empty: not checked
};

struct LayersOptions {
  Ext4Options ext4;
  /// Decompressed bytes of all layers together: the limit for a decompression bomb. A user may raise the limit.
  std::uint64_t max_unpacked_bytes = limits::kUnpackedBytes;
};

/// Writes the layers as one new, clean ext4 image at `path`, which is removed again on failure. layers[0] is the
/// lowest. Entries are kept as by write_ext4_from_tar, with these differences:
///
/// - `.wh.NAME` removes NAME, and `.wh..wh..opq` removes all names of its directory, but only those of lower layers.
/// - Parents of names and of hard-link targets may be symlinks. They are followed inside the image, as after chroot(2).
/// - A directory entry replaces a symlink. An entry for an existing directory only changes its metadata.
/// - `security.selinux`, `system.nfs4_acl` and `trusted.overlay.*` are left out, as they belong to the layer's host.
///
/// Errors start with `layer DIGEST: `. `invalid`: an entry that would leave the image (by "..") or cannot be placed.
/// `corrupt`: a damaged stream, or bytes that do not match `diff_id`. A layer needs an end marker only without
/// `diff_id`. `exhausted`, without a hint: the layers unpack to more than max_unpacked_bytes. Layers are decompressed
/// on threads of their own, a few at once and a few MiB ahead. Blocks, so call it on the pool; `progress` is called
/// there.
Result<Ext4Stats> write_ext4_from_layers(std::span<const Layer> layers, const std::string& path,
                                         const LayersOptions& options, const Progress& progress = {});

}  // namespace banger::ext4

// Writing ext4 file systems in process with libext2fs: no mount, no loop device, no root, no mke2fs.
// Source of the format: Documentation/filesystems/ext4, libext2fs(3).
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "base/result.h"

namespace banger::ext4 {

struct Ext4Options {
  std::string label;              ///< at most 16 bytes
  std::uint64_t size_bytes = 0;   ///< 0: sized from the content plus `spare_bytes`
  std::uint64_t spare_bytes = 0;  ///< free room when sized from content
  std::string uuid_seed;          ///< UUID and hash seed are derived from it: the same input gives the same bytes
  std::int64_t timestamp = 0;     ///< every superblock time (seconds); entries keep their own
  bool journal = true;            ///< false for images only ever mounted read-only
};

// Nothing here syncs to disk: who publishes an image (by rename) syncs it first.

/// Makes an empty file system of `size_bytes` in a new sparse file (mode 0600, `exists` if there is one). Growable
/// online by the guest: by the resize inode up to 1 TiB, then by meta_bg, which Linux turns on by itself. Fast: inode
/// tables and journal are holes, which count as initialised; a fresh 8 GiB one takes milliseconds and < 1 MiB of disk.
Result<> make_empty_ext4(const std::string& path, const Ext4Options& options);

/// Called now and then with the bytes of content written so far.
using Progress = std::function<void(std::uint64_t bytes_done)>;

struct Ext4Stats {
  std::uint64_t entries = 0, content_bytes = 0, size_bytes = 0;
};

/// Reads a tar stream (any of plain, gzip, zstd, xz; pax, GNU, ustar) from `tar_fd` and writes it as a new, clean ext4
/// image at `path` (removed again on failure). Owners, modes with setuid, times, xattrs (and so file capabilities),
/// ACLs, hard links, symlinks, devices, fifos and sparse files are kept. Later entries replace earlier ones of the same
/// path. Missing parents are made 0755 root. An entry that would leave the root (absolute names are taken relative;
/// "..", or a path through a symlink) is `invalid`, naming it; a stream that is damaged or has no end marker is
/// `corrupt`; one that does not fit is `exhausted`. Attributes ext4 has no place for (of other systems) are left out.
/// Reads `tar_fd` to its end, padding included. Bounds: limits::kArchiveEntries, kArchiveMetadataBytes, kRootfsBytes.
/// Blocks, so call it on the pool; `progress` is called there.
Result<Ext4Stats> write_ext4_from_tar(int tar_fd, const std::string& path, const Ext4Options& options,
                                      const Progress& progress = {});

/// Writes the regular files and directories of a host's directory as a new, clean ext4 image at `path` (removed again
/// on failure): owned by root, modes 0644 and 0755, all with options.timestamp. Links and special files are left out.
/// The directory is trusted. Blocks.
Result<Ext4Stats> write_ext4_from_directory(const std::string& directory, const std::string& path,
                                            const Ext4Options& options);

/// Copies the subtree `directory` (e.g. "/root") of an ext4 image into a new ext4 image whose root it becomes: the work
/// seed. `not_found` when it is not a directory there (no symlink is followed); `unsupported` for images laid out
/// otherwise than ours (block and inode size, no extents).
Result<Ext4Stats> extract_subtree(const std::string& image_path, const std::string& directory, const std::string& path,
                                  const Ext4Options& options);

/// Reads one regular file of an ext4 image (following no symlink), at most max_bytes. `not_found` when there is none.
Result<std::string> read_file_in_image(const std::string& image_path, const std::string& file, std::size_t max_bytes);

/// Gives a clean file system that was made without a journal one, in room that is free there: 4 to 64 MiB. One that has
/// a journal is left as it is; `exhausted` when there is no room. For a copy of an image that is to be written to: it
/// then survives a machine that ends at any moment. Free of content, so fast.
Result<> ensure_journal(const std::string& path);

/// `corrupt` unless the image has a valid ext4 superblock with a right checksum, was cleanly unmounted, and is as long
/// as it says.
Result<> check_ext4(const std::string& path);

}  // namespace banger::ext4

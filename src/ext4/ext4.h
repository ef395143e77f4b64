// Writing ext4 file systems in process with libext2fs: no mount, no loop device, no root, no mke2fs.
// Source of the format: Documentation/filesystems/ext4, libext2fs(3).
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace banger::ext4 {

struct Ext4Options {
  std::string label;              ///< at most 16 bytes
  std::uint64_t size_bytes = 0;   ///< 0: sized from the content plus `spare_bytes`
  std::uint64_t spare_bytes = 0;  ///< free room when sized from content
  std::uint64_t least_bytes = 0;  ///< when sized from content; `spare_bytes` are for content that needs more
  std::string uuid_seed;          ///< seed of the UUID and the hash seed, so that the same input gives the same bytes
  std::int64_t timestamp = 0;     ///< every superblock time (seconds); entries keep their own
  bool journal = true;            ///< false for images that are only mounted read-only
  const std::atomic<bool>* stop = nullptr;  ///< set by another thread; the writing then ends as `cancelled`
  /// Asked after each limits::kWriteProgressBytes of content. Its error ends the writing.
  std::function<Result<>()> room = {};
};

// No function here syncs to disk. The caller syncs an image before it publishes the image (by rename).

/// Makes an empty file system of `size_bytes` in a new sparse file (mode 0600, `exists` if the path is taken). The
/// guest can grow it online: by the resize inode up to 1 TiB, then by meta_bg, which Linux enables by itself. Inode
/// tables and journal are holes, which count as initialised. So a new one of 8 GiB takes milliseconds and less than 1
/// MiB of disk.
Result<> make_empty_ext4(const std::string& path, const Ext4Options& options);

/// Called now and then with the number of content bytes written so far.
using Progress = std::function<void(std::uint64_t bytes_done)>;

struct Ext4Stats {
  std::uint64_t entries = 0, content_bytes = 0, size_bytes = 0;
};

/// Reads a tar stream (plain, gzip, zstd or xz, in pax, GNU or ustar format) from `tar_fd`. Writes it as a new, clean
/// ext4 image at `path`, which is removed again on failure. Owners, modes with setuid, times, xattrs (with file
/// capabilities), ACLs, hard links, symlinks, devices, fifos and sparse files are kept. Later entries replace earlier
/// ones of the same path. Missing parents are made 0755 root. Absolute names are taken as relative. An entry that would
/// leave the root (by ".." or through a symlink) is `invalid`, and the error names it. A stream that is damaged or has
/// no end marker is `corrupt`. A stream that does not fit is `exhausted`. Attributes of other systems, which ext4
/// cannot store, are left out. Reads `tar_fd` to its end, including padding. Bounds: limits::kArchiveEntries,
/// kArchiveMetadataBytes, kRootfsBytes. Blocks, so call it on the pool; `progress` is called there.
Result<Ext4Stats> write_ext4_from_tar(int tar_fd, const std::string& path, const Ext4Options& options,
                                      const Progress& progress = {});

/// What a stream of tar::pack_sources from a guest may be.
struct GuestTar {
  std::uint64_t max_content_bytes = 0;  ///< also at most limits::kRootfsBytes
  /// Called for each mark in the stream, with the name and the reason; both are untrusted.
  std::function<void(std::string_view name, std::string_view reason)> left_out = {};
};

/// The same for a hostile guest: a compressed stream is `corrupt`. Members with a mark are not written. A member whose
/// content is not whole stays as it came.
Result<Ext4Stats> write_ext4_from_guest(int tar_fd, const std::string& path, const Ext4Options& options,
                                        const GuestTar& guest, const Progress& progress = {});

/// Writes the regular files and directories of a host's directory as a new, clean ext4 image at `path`, which is
/// removed again on failure. Root owns all of them, with modes 0644 and 0755, and their times are options.timestamp.
/// Links and special files are left out. The directory is trusted. Blocks.
Result<Ext4Stats> write_ext4_from_directory(const std::string& directory, const std::string& path,
                                            const Ext4Options& options);

/// Copies the subtree `directory` (e.g. "/root") of an ext4 image into a new ext4 image, as its root: the work seed.
/// `not_found` when it is not a directory of the image (no symlink is followed). `unsupported` for images with another
/// block size, another inode size or no extents.
Result<Ext4Stats> extract_subtree(const std::string& image_path, const std::string& directory, const std::string& path,
                                  const Ext4Options& options);

/// Adds a journal of 4 to 64 MiB to a clean file system that has none, in its free blocks. A file system with a journal
/// stays unchanged. `exhausted` when the free blocks are too few. A writable copy of an image needs a journal to
/// survive a machine that ends at any moment. Copies no content, so it is fast.
Result<> ensure_journal(const std::string& path);

/// `corrupt` unless the image has a valid ext4 superblock with a right checksum, was cleanly unmounted, and has the
/// length that the superblock gives.
Result<> check_ext4(const std::string& path);

}  // namespace banger::ext4

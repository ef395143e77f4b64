// File operations with readable errors. Files are never exposed to other users, and readers never see half a file.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/unique_fd.h"

namespace banger::host {

/// Whole content; `exhausted` when larger than max_bytes. Works on /proc files.
Result<std::string> read_file(const std::string& path, std::size_t max_bytes);
/// The same for a file that a user or another tool puts into its place. Never waits for the writer of a FIFO: `invalid`
/// for all that is no regular file.
Result<std::string> read_regular_file(const std::string& path, std::size_t max_bytes);
/// As read_file(), for an open file, from its current offset. `path` is for the error.
Result<std::string> read_all(int fd, const std::string& path, std::size_t max_bytes);

/// Replaces `path` in one step (temporary file in the same directory, fsync, rename).
Result<> write_file(const std::string& path, std::string_view content, mode_t mode = 0600);

/// Writes all bytes to a descriptor, and retries short writes.
Result<> write_all(int fd, std::string_view bytes);

/// Opens a file of a user to read it. Never waits for the writer of a FIFO: `invalid` for all that is no regular file.
Result<UniqueFd> open_regular_file(const std::string& path);

/// Like open(2) with O_CLOEXEC; the error names the path.
Result<UniqueFd> open_file(const std::string& path, int flags, mode_t mode = 0600);

/// Makes `path` and its parents. A new directory gets `mode`, new parents get 0755.
Result<> make_directories(const std::string& path, mode_t mode = 0755);

/// Makes or accepts a private directory: not a symlink, owned by this user, mode 0700 (tightened if it was wider).
Result<> make_private_directory(const std::string& path);

/// Removes a tree without following symlinks. A missing tree is fine.
Result<> remove_tree(const std::string& path);
/// Removes one file. A missing file is fine.
Result<> remove_file(const std::string& path);

/// Copies a file as a reflink where the file system can. Otherwise copies only the data extents, so holes stay holes.
/// `to` must not exist, and gets `mode`.
Result<> clone_file(const std::string& from, const std::string& to, mode_t mode = 0600);
/// Makes a hard link where possible, otherwise a copy. For files that no process writes to. Replaces `to` in one step.
Result<> share_file(const std::string& from, const std::string& to);

/// Whether both paths lead to the same file. False when one of them leads to none.
bool same_file(const std::string& one, const std::string& other);

/// Makes an empty sparse file of that size. `exists` if the file is there.
Result<> make_sparse_file(const std::string& path, std::uint64_t size_bytes, mode_t mode = 0600);

/// The disk space of a file's blocks in bytes, 0 when the file is missing.
std::uint64_t disk_usage(const std::string& path);
/// Bytes an unprivileged user may still write to the file system that holds `path`.
Result<std::uint64_t> free_space(const std::string& path);

/// SHA-256 of a file's content, lower-case hex.
Result<std::string> sha256_file(const std::string& path);
std::string sha256_hex(std::string_view bytes);

/// Random bytes from the kernel.
std::string random_bytes(std::size_t count);
/// An id of 12 random characters of [a-z0-9].
std::string random_id();

}  // namespace banger::host

// File operations whose failures are sentences, and which never expose or half-write what others may read.
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
/// The same of an open file, from where it stands; `path` is for the error.
Result<std::string> read_all(int fd, const std::string& path, std::size_t max_bytes);

/// Replaces `path` in one step (temporary file in the same directory, fsync, rename).
Result<> write_file(const std::string& path, std::string_view content, mode_t mode = 0600);

/// All bytes to a descriptor, retrying short writes.
Result<> write_all(int fd, std::string_view bytes);

/// Like open(2) with O_CLOEXEC; the error names the path.
Result<UniqueFd> open_file(const std::string& path, int flags, mode_t mode = 0600);

/// Makes `path` and its parents. A new directory gets `mode`; parents that are made get 0755.
Result<> make_directories(const std::string& path, mode_t mode = 0755);

/// Makes or accepts a directory that is ours alone: not a symlink, owned by us, mode 0700 (tightened if it was looser).
Result<> make_private_directory(const std::string& path);

/// Removes a tree without following symlinks; a missing one is fine.
Result<> remove_tree(const std::string& path);
/// Removes one file; a missing one is fine.
Result<> remove_file(const std::string& path);

/// Copies a file as a reflink where the file system can, else copying only its data extents (holes stay holes).
/// `to` must not exist; it gets `mode`.
Result<> clone_file(const std::string& from, const std::string& to, mode_t mode = 0600);
/// Another name of the same file where one can be had, else a copy of it. For what nobody writes to. Replaces `to` in
/// one step.
Result<> share_file(const std::string& from, const std::string& to);

/// Makes an empty sparse file of that size; `exists` if it is there.
Result<> make_sparse_file(const std::string& path, std::uint64_t size_bytes, mode_t mode = 0600);

/// Blocks in use on disk, in bytes (0 when missing).
std::uint64_t disk_usage(const std::string& path);
/// Bytes an unprivileged user may still write to the file system that holds `path`.
Result<std::uint64_t> free_space(const std::string& path);

/// SHA-256 of a file's content, lower-case hex.
Result<std::string> sha256_file(const std::string& path);
std::string sha256_hex(std::string_view bytes);

/// Random bytes from the kernel.
std::string random_bytes(std::size_t count);

}  // namespace banger::host

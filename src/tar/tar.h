// Trees as tar streams, for `vm cp`, both in the guest and on the host. Blocking; run on the pool or a thread.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "tar/bounds.h"
#include "tar/placement.h"
#include "tar/reader.h"

namespace banger::tar {

enum class Symlinks {
  keep,
  follow,  ///< as cp -L: what a symlink leads to takes its place
};

/// Decides which objects of a tree get into its stream, and with which content. Objects have their names in the
/// archive.
class PackRules {
 public:
  enum class Take {
    whole,
    edited,   ///< a regular file with the content that edit() makes; another object as it is
    nothing,  ///< without a mark in the stream, and without what is below
  };
  virtual ~PackRules() = default;
  virtual Take take(std::string_view member, EntryKind kind) const = 0;
  /// Only for files of at most limits::kEditedFileBytes. Larger ones stay as they are.
  virtual std::string edit(std::string_view member, std::string_view content) const = 0;
};

enum class Special {
  leave_out,  ///< devices and sockets get a mark in the stream
  image,      ///< as in an image: devices are kept, and sockets belong to processes and get no mark
};

enum class Owners {
  keep,
  root,  ///< every object belongs to root
};

struct PackOptions {
  Symlinks symlinks = Symlinks::keep;
  Owners owners = Owners::keep;
  Special special = Special::leave_out;
  std::atomic<std::uint64_t>* written = nullptr;  ///< counts the bytes of the stream
};

/// Writes `path` (a file, symlink or directory tree) to `tar_fd` as a pax stream whose entries start with
/// `name_in_archive`. Owners, modes, mtimes, symlinks, hard links, sparse files, fifos and xattrs are kept. What cannot
/// be packed is marked in the stream: sockets, devices, files that cannot be read, and files that become shorter
/// meanwhile. After an error the stream has no end marker, so that its reader fails too.
Result<> pack_tree(const std::string& path, const std::string& name_in_archive, int tar_fd,
                   const PackOptions& options = {});

/// One of several trees of a stream.
struct PackSource {
  int directory = -1;      ///< borrowed; the tree itself
  std::string member;      ///< names of entries start with it; "." for none
  const PackRules& rules;  ///< borrowed
};

/// The same for several directories in one stream, in their order.
Result<> pack_sources(std::span<const PackSource> sources, int tar_fd, const PackOptions& options = {});

/// Called for each thing that is not part of the copy: its name in the archive, and why. Both are untrusted.
using LeftOut = std::function<void(std::string_view name, std::string_view reason)>;

struct UnpackOptions {
  bool keep_owner = false;     ///< chown to the numeric owner (guest side, root)
  bool keep_setid = false;     ///< keep setuid and setgid bits, and file capabilities
  bool keep_existing = false;  ///< a file that replaces another one has the owner, mode and attributes of that one
  std::uint64_t max_bytes = UINT64_MAX;
  Target top = Target::found;       ///< `named`: a file at the top is written through a symlink with its name
  std::string only = {};            ///< the first component of every name; empty: any name
  std::uint64_t reserve_bytes = 0;  ///< the file system keeps so much room
  std::size_t memory_bytes = limits::kUnpackMemoryBytes;
  LeftOut left_out = {};
  std::string staged = {};  ///< the name of objects that are not whole yet; empty: a random one
};

/// Unpacks into the existing `directory`. Hostile input: nothing outside `directory` is ever touched. Absolute names,
/// "..", and paths through symlinks are `invalid`, whether the archive made the symlink or not.
///
/// - Existing files are replaced in one step, or overwritten as placement.h says. Existing directories are merged and
///   keep their owner, mode and times. Hard links may lead only to files of the same archive.
/// - A new directory at the top gets its name when it is complete.
/// - `options.left_out` is called for what the sender left out, for devices, and for what an existing object prevents.
///   But an error of the first entry ends the unpacking: `exists` when a file and a directory have the same name.
/// - Memory and room have limits, and exceeding one is `exhausted`.
///
/// Reads `tar_fd` to its end. Compressed streams are refused.
Result<> unpack_tree(int tar_fd, const std::string& directory, const UnpackOptions& options);

/// Removes what a killed unpack_tree left in `directory`. `options.staged` and `options.only` are those of the killed
/// one; only objects with that staged name are removed. Symlinks are not followed.
Result<> remove_staged(const std::string& directory, const UnpackOptions& options);

/// Copies a plain tar stream. The marks of what the sender left out are not copied, but `left_out` is called for each.
/// The holes that the headers name stay holes. An error ends it at once, also one of `to`.
Result<> copy_tar(int from, int to, const LeftOut& left_out);

/// Decompresses gzip, zstd and xz, and copies other bytes as they are. Adds the bytes that were written to `written`.
Result<> decompress(int from, int to, std::atomic<std::uint64_t>* written = nullptr);

}  // namespace banger::tar

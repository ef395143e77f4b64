// What a copy does when the target's name is taken, and how it writes into the existing object. A copy changes content.
// It never changes the kind of an object.
#pragma once

#include <sys/stat.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/unique_fd.h"

namespace banger::tar {

enum class Place {
  create,      ///< the name is free
  replace,     ///< by a rename, so that the name never stands for half a file
  write_into,  ///< only the content of the existing object changes
  keep,        ///< the existing object equals the arriving one
};

/// `named`: the user wrote this very name. `found`: the copy met the name inside a directory. Only with `named` are
/// symlinks followed and FIFOs written to, because an earlier copy may have brought the symlink from an untrusted
/// guest.
enum class Target { found, named };

/// The place of an object of mode `incoming`, not a directory, whose name is taken by `there`. `exists` when the copy
/// must refuse.
Result<Place> place_of(mode_t incoming, const struct stat& there, Target target);

/// Whether this user could write the existing file, as cp asks before it replaces one.
Result<> check_writable(int parent, const std::string& name);

/// Errors of a rename after which the file itself may still be writable: its directory is not writable, or the file is
/// a mount.
bool keeps_its_file(int error_number);

/// Opens a file or device for new content. Follows a symlink if it is `named`. Never waits, so a FIFO is refused. The
/// old content stays until new content replaces it, because the file may be the source of the copy too.
Result<UniqueFd> open_in_place(int parent, const std::string& name, Target target);

/// Writes pieces of content in ascending order of their offsets. Holes are kept in files and written as zeros
/// elsewhere.
class ContentWriter {
 public:
  /// `fd` is borrowed, and at the start of its file. Old content of a file is replaced.
  explicit ContentWriter(int fd);
  Result<> add(std::uint64_t offset, std::string_view bytes);
  /// Extends or cuts the content to `size`.
  Result<> finish(std::uint64_t size);

 private:
  Result<> write(std::string_view bytes);
  Result<> skip_to(std::uint64_t offset);
  Result<> leave_hole(std::uint64_t offset);

  int fd_;
  bool is_file_;
  std::uint64_t old_size_ = 0;
  std::uint64_t at_ = 0;
};

/// Copies all content of an open file, from its start, into another file or a device.
Result<> copy_content(int from, int to);

}  // namespace banger::tar

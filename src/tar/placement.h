// What a copy does at a name that is taken, and how it writes into what is there. A copy changes content; it never
// changes what kind of thing a name stands for.
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
  replace,     ///< by a rename, so that the name is never half of something
  write_into,  ///< the content of what is there changes, and nothing else
  keep,        ///< what is there is what arrives
};

/// Whether the user wrote this very name, or the copy came upon it inside a directory. Only in the first case a symlink
/// is followed and a FIFO fed: an earlier copy may have brought the symlink from a guest that nobody trusts.
enum class Target { found, named };

/// For a thing of mode `incoming`, not a directory, at a name that is `there`. `exists` where it can only be refused.
Result<Place> place_of(mode_t incoming, const struct stat& there, Target target);

/// Opens a file or device for new content, behind a symlink if it is `named`. Never waits, so a FIFO is refused.
Result<UniqueFd> open_in_place(int parent, const std::string& name, Target target);

/// Puts pieces of content in rising order where they belong. Holes are kept in files and written as zeros elsewhere.
class ContentWriter {
 public:
  /// `fd` is borrowed; a file must be empty.
  explicit ContentWriter(int fd);
  Result<> add(std::uint64_t offset, std::string_view bytes);
  /// Fills up to `size`.
  Result<> finish(std::uint64_t size);

 private:
  Result<> write(std::string_view bytes);
  Result<> skip_to(std::uint64_t offset);

  int fd_;
  bool is_file_;
  std::uint64_t at_ = 0;
};

/// All content of an open file, from its begin, into another file or a device.
Result<> copy_content(int from, int to);

}  // namespace banger::tar

// The directories of one unpacking. Every path is walked one component at a time from the root's descriptor, never
// through a symlink.
#pragma once

#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "tar/attributes.h"
#include "tar/reader.h"

namespace banger::tar {

using Parts = std::vector<std::string_view>;

std::string joined(std::span<const std::string_view> parts);

/// The memory of one unpacking. A hostile archive may have any number of names and attributes.
class Memory {
 public:
  explicit Memory(std::size_t bytes) : left_(bytes) {}
  /// `exhausted` when less is left.
  Result<> take(std::size_t bytes);

 private:
  std::size_t left_;
};

class Directories {
 public:
  /// `root` and `memory` are borrowed. `staged` is a free name in `root`.
  Directories(int root, std::string staged, Keep keep, Memory& memory)
      : root_(root), staged_(std::move(staged)), keep_(keep), memory_(memory) {}

  /// The directory of that path; missing ones are made. The descriptor stays valid until the next call.
  Result<int> enter(std::span<const std::string_view> parts);

  /// Makes a directory, or merges with an existing one. The first new directory at the top has a staged name until
  /// finish(), so that its name never stands for half a tree.
  Result<> add(std::span<const std::string_view> parts, const TarEntry& entry);

  /// Gives the directories their modes and times. Before that they must be writable, and every new entry changes their
  /// times. Then gives the directory at the top its name.
  Result<> finish();

  /// After a failure: removes what has no name yet. What was merged gets its modes.
  void give_up();

 private:
  std::string real_name(std::span<const std::string_view> parts) const;
  Result<UniqueFd> step(int from, std::span<const std::string_view> parts);
  Result<> remember(std::string path, const TarEntry& entry);
  Result<> apply_all();

  int root_;
  std::string staged_;
  Keep keep_;
  Memory& memory_;
  std::string top_;   ///< the name that the staged directory gets
  UniqueFd current_;  ///< the directory of the entry before: its siblings come next
  std::string current_path_;
  std::map<std::string, TarEntry> made_;  ///< parents that the archive never named have the uid -1
};

}  // namespace banger::tar

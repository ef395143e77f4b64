// An image while it is being made: the file, the tree and the content so far. Its destruction removes an unfinished
// file.
#pragma once

#include <algorithm>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/unique_fd.h"
#include "ext4/bounds.h"
#include "ext4/data.h"
#include "ext4/ext4.h"
#include "ext4/tree.h"

namespace banger::ext4 {

class Build {
 public:
  /// Makes the file (0600; `exists` if the path is taken) and an empty root directory.
  static Result<std::unique_ptr<Build>> create(const std::string& path, const Ext4Options& options,
                                               Symlinks symlinks = Symlinks::refuse);
  ~Build();
  Build(const Build&) = delete;
  Build& operator=(const Build&) = delete;

  Tree& tree() { return tree_; }
  ContentWriter& content() { return content_; }

  /// For content that comes later. limits::kRootfsBytes holds always.
  void limit_content(std::uint64_t bytes) { content_limit_ = std::min(bytes, limits::kRootfsBytes); }
  /// `cancelled` once Ext4Options::stop is set. write() checks that too.
  Result<> check_stop() const;
  /// Writes content of `file` from `offset` on. It counts against the limit of the content. Calls `progress` now and
  /// then.
  Result<> write(NodeId file, std::uint64_t offset, std::string_view bytes, const Progress& progress);
  /// Ends the content of `file`.
  Result<> end(NodeId file) { return content_.end(tree_[file].extents); }
  /// Stores a symlink's target in the inode or in a block. The node must be in the tree already.
  Result<> store_target(NodeId symlink);
  /// Does punch_freed() once there is much. So an archive that writes one name again and again fills no disk.
  Result<> punch_much() { return tree_.freed_blocks() < limits::kFreedBlocks ? Result<>() : punch_freed(); }
  /// Gives the disk space of replaced and removed files back to the host. Their blocks are then holes of the image.
  Result<> punch_freed();

  /// Writes the file system around the content. Nothing else may be called afterwards.
  Result<Ext4Stats> finish(NodeId lost_and_found = kRoot);

 private:
  Build(std::string path, UniqueFd fd, const Ext4Options& options, Symlinks symlinks);

  std::string path_;
  UniqueFd fd_;
  Ext4Options options_;
  BlockCursor cursor_;
  ContentWriter content_;
  Tree tree_;
  std::uint64_t content_limit_ = limits::kRootfsBytes;
  std::uint64_t content_bytes_ = 0, reported_bytes_ = 0;
  bool finished_ = false;
};

}  // namespace banger::ext4

// The tree of a file system that is about to be written: inodes and names in memory, contents as the numbers of their
// blocks. Pure. Decides which paths an archive may name.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "ext4/bounds.h"
#include "ext4/xattr.h"

namespace banger::ext4 {

using NodeId = std::uint32_t;
inline constexpr NodeId kRoot = 0;

/// `count` blocks of content from block `logical` of the file, at block `physical` of the image.
struct Extent {
  std::uint32_t logical = 0, count = 0;
  std::uint64_t physical = 0;
};

struct Time {
  std::int64_t seconds = 0;
  std::uint32_t nanoseconds = 0;
};

/// What a name in a directory stands for.
struct Child {
  NodeId node = kRoot;
  std::uint32_t layer = 0;  ///< that made the name last
};

using Names = std::map<std::string, Child, std::less<>>;

/// One inode. Moves, never copies.
struct Node {
  std::uint16_t mode = 0;  ///< with the file type (S_IFMT)
  std::uint32_t uid = 0, gid = 0;
  Time mtime, atime;
  std::uint32_t device_major = 0, device_minor = 0;
  std::uint32_t names = 0;  ///< of a non-directory: the number of its names; 0 for a replaced node
  std::uint64_t size = 0;   ///< bytes; of a directory set by lay_out()
  std::string target;       ///< of a symlink
  std::vector<Extent> extents;
  std::vector<Xattr> xattrs;
  std::unique_ptr<Names> children;  ///< of a directory; in byte order, in which they are written
  std::uint32_t touched = 0;        ///< of a directory: the last layer with an entry for it or below it
  std::uint32_t cleared = 0;        ///< of a directory: the last layer that removed all lower names from it

  // Set by lay_out().
  std::uint32_t inode = 0;
  NodeId parent = kRoot;                   ///< of a directory
  std::uint64_t xattr_block = 0;           ///< 0: none
  std::vector<std::uint64_t> tree_blocks;  ///< of the extent tree, leaves first

  bool is_directory() const { return children != nullptr; }
};

Node make_directory(std::uint32_t mode, Time time);

/// What a symlink in the middle of an archive's path means.
enum class Symlinks {
  refuse,  ///< the entry would leave the tree of the archive
  follow,  ///< inside the root, as after chroot(2)
};

class Tree {
 public:
  explicit Tree(Node root, Symlinks symlinks = Symlinks::refuse,
                std::size_t metadata_limit = limits::kArchiveMetadataBytes);

  /// Puts `node` at an archive member's path and replaces the previous node. A directory that replaces a directory only
  /// changes its owner, mode, times and attributes. Missing parents are made 0755 root. `invalid` when the path leaves
  /// the root or leads through a node that is not a directory; `exhausted` over the limits of base/bounds.h.
  Result<NodeId> place(std::string_view path, Node node);
  /// Makes `path` another name of `target`, which must exist and must not be a directory.
  Result<> link(std::string_view path, std::string_view target);

  /// What comes now is one layer above all before. Only lower layers are subject to its whiteouts.
  void begin_layer() { ++layer_; }
  /// Removes `name` from the directory at `directory`, except what this layer has made. A missing one is no error.
  Result<> remove_lower(std::string_view directory, std::string_view name);
  /// Removes all names from the directory at `directory`, except what this layer has made.
  Result<> remove_lower_names(std::string_view directory);
  /// The blocks of nodes that are gone, each once.
  std::vector<Extent> take_freed() {
    freed_blocks_ = 0;
    return std::exchange(freed_, {});
  }
  /// How many these are.
  std::uint64_t freed_blocks() const { return freed_blocks_; }

  /// Adds `node` to a directory. REQUIRES: the name is free.
  Result<NodeId> add_child(NodeId directory, std::string_view name, Node node);
  Result<> add_name(NodeId directory, std::string_view name, NodeId node);

  Node& operator[](NodeId id) { return nodes_[id]; }
  /// Ids are 0 .. size()-1. The ids of nodes that are gone are used again.
  NodeId size() const { return static_cast<NodeId>(nodes_.size()); }
  bool alive(NodeId id) const { return id == kRoot || nodes_[id].is_directory() || nodes_[id].names > 0; }
  std::uint64_t name_count() const { return name_count_; }

 private:
  struct Place {
    NodeId directory;
    std::string_view name;  ///< empty: the root itself
  };
  /// The directories from the root to the end of a path, and the names at its end that are no directories.
  struct Trail {
    std::vector<NodeId> directories;
    std::vector<std::string_view> missing;
  };
  enum class MissingParents { make, refuse };
  Result<Place> walk(std::string_view path, MissingParents parents);
  /// Follows `parts`, which lead to the parents in `path`.
  Result<Trail> follow(std::string_view path, std::vector<std::string_view> parts);
  Result<> step(std::string_view path, std::string_view part, Trail& trail, std::vector<std::string_view>& ahead);
  /// `invalid` when the first of the missing names is something else than a directory.
  Result<> check_absent(std::string_view path, const Trail& trail);
  Result<> push_target(std::string_view path, const std::string& target, Trail& trail,
                       std::vector<std::string_view>& ahead);
  Result<std::optional<NodeId>> find_directory(std::string_view path);
  Result<> check_metadata() const;
  Result<NodeId> add(Node node);
  Result<> enter(NodeId directory, std::string_view name, NodeId id);
  void touch(NodeId directory);
  bool is_lower(const Child& child) const;
  Names::iterator leave(NodeId directory, Names::iterator child);
  void drop(NodeId id);
  void forget(NodeId id);
  void clear_lower(NodeId directory);

  Symlinks symlinks_;
  std::uint32_t layer_ = 0;
  std::uint64_t link_steps_ = 0;  ///< components that symlinks added to paths
  std::deque<Node> nodes_;
  std::vector<NodeId> free_ids_;
  std::vector<Extent> freed_;
  std::uint64_t freed_blocks_ = 0;
  std::uint64_t name_count_ = 0;
  std::size_t metadata_bytes_ = 0, metadata_limit_;
  Time default_time_;  ///< of parents that the archive did not name
};

}  // namespace banger::ext4

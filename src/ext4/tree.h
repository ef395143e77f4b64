// The tree of a file system that is about to be written: inodes and names in memory, contents as the numbers of their
// blocks. Pure. Decides which paths an archive may name.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
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

using Names = std::map<std::string, NodeId, std::less<>>;

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

  // Set by lay_out().
  std::uint32_t inode = 0;
  NodeId parent = kRoot;                   ///< of a directory
  std::uint64_t xattr_block = 0;           ///< 0: none
  std::vector<std::uint64_t> tree_blocks;  ///< of the extent tree, leaves first

  bool is_directory() const { return children != nullptr; }
};

Node make_directory(std::uint32_t mode, Time time);

class Tree {
 public:
  explicit Tree(Node root);

  /// Puts `node` at an archive member's path and replaces the previous node. A directory that replaces a directory only
  /// changes its owner, mode, times and attributes. Missing parents are made 0755 root. `invalid` when the path leaves
  /// the root or leads through a node that is not a directory; `exhausted` over the limits of base/bounds.h.
  Result<NodeId> place(std::string_view path, Node node);
  /// Makes `path` another name of `target`, which must exist and must not be a directory.
  Result<> link(std::string_view path, std::string_view target);
  /// Adds `node` to a directory. REQUIRES: the name is free.
  Result<NodeId> add_child(NodeId directory, std::string_view name, Node node);
  Result<> add_name(NodeId directory, std::string_view name, NodeId node);

  Node& operator[](NodeId id) { return nodes_[id]; }
  /// Ids are 0 .. size()-1 in the order of creation, including replaced nodes.
  NodeId size() const { return static_cast<NodeId>(nodes_.size()); }
  bool alive(NodeId id) const { return id == kRoot || nodes_[id].is_directory() || nodes_[id].names > 0; }
  std::uint64_t name_count() const { return name_count_; }

 private:
  struct Place {
    NodeId directory;
    std::string_view name;  ///< empty: the root itself
  };
  enum class MissingParents { make, refuse };
  Result<Place> walk(std::string_view path, MissingParents parents);
  Result<NodeId> add(Node node);
  Result<> enter(NodeId directory, std::string_view name, NodeId id);
  void leave(NodeId directory, Names::iterator child);
  void drop(NodeId id);

  std::deque<Node> nodes_;
  std::uint64_t name_count_ = 0;
  std::size_t metadata_bytes_ = 0;
  Time default_time_;  ///< of parents that the archive did not name
};

}  // namespace banger::ext4

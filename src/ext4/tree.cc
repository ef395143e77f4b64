#include "ext4/tree.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include "base/text.h"
#include "ext4/bounds.h"
#include "tar/bounds.h"
#include "tar/path.h"

namespace banger::ext4 {

namespace {

constexpr std::uint32_t kMaxLinks = 65000;  // EXT4_LINK_MAX of Linux

std::size_t metadata_size(const Node& node) {
  std::size_t total = sizeof(Node) + node.target.size();
  for (const Xattr& xattr : node.xattrs) total += sizeof(Xattr) + xattr.name.size() + xattr.value.size();
  return total;
}

std::size_t name_size(std::string_view name) { return name.size() + sizeof(Names::value_type) + 64; }

}  // namespace

Node make_directory(std::uint32_t mode, Time time) {
  Node node;
  node.mode = static_cast<std::uint16_t>(S_IFDIR | mode);
  node.mtime = node.atime = time;
  node.children = std::make_unique<Names>();
  return node;
}

Tree::Tree(Node root, Symlinks symlinks, std::size_t metadata_limit)
    : symlinks_(symlinks), metadata_limit_(metadata_limit), default_time_(root.mtime) {
  nodes_.push_back(std::move(root));
}

Result<> Tree::check_metadata() const {
  if (metadata_bytes_ <= metadata_limit_) return {};
  return fail(ErrorCode::exhausted, "names, links and attributes of the file system take too much memory");
}

Result<NodeId> Tree::add(Node node) {
  metadata_bytes_ += metadata_size(node);
  if (!free_ids_.empty()) {
    NodeId id = free_ids_.back();
    free_ids_.pop_back();
    nodes_[id] = std::move(node);
    return id;
  }
  if (nodes_.size() >= limits::kArchiveEntries)
    return fail(ErrorCode::exhausted, fmt::format("more than {} entries in one file system", limits::kArchiveEntries));
  nodes_.push_back(std::move(node));
  return size() - 1;
}

Result<> Tree::enter(NodeId directory, std::string_view name, NodeId id) {
  metadata_bytes_ += name_size(name);
  if (++name_count_ > limits::kArchiveEntries)
    return fail(ErrorCode::exhausted, fmt::format("more than {} entries in one file system", limits::kArchiveEntries));
  TRY(check_metadata());
  nodes_[directory].children->emplace(name, Child{id, layer_});
  touch(directory);
  Node& node = nodes_[id];
  if (node.is_directory()) {
    node.parent = directory;
    node.touched = layer_;
  } else if (++node.names > kMaxLinks) {
    return fail(ErrorCode::invalid,
                fmt::format("'{}': more than {} hard links to one file", printable(name), kMaxLinks));
  }
  return {};
}

Result<NodeId> Tree::place(std::string_view path, Node node) {
  Place place = TRY(walk(path, MissingParents::make));
  auto take_over = [&](Node& old) -> Result<> {
    metadata_bytes_ += metadata_size(node);
    metadata_bytes_ -= metadata_size(old);
    TRY(check_metadata());
    node.children = std::move(old.children);
    node.parent = old.parent;
    node.touched = old.touched;
    node.cleared = old.cleared;
    old = std::move(node);
    return {};
  };
  if (place.name.empty()) {
    if (!node.is_directory())
      return fail(ErrorCode::invalid,
                  fmt::format("archive entry '{}' makes the root something other than a directory", printable(path)));
    TRY(take_over(nodes_[kRoot]));
    touch(kRoot);
    return kRoot;
  }
  Names& names = *nodes_[place.directory].children;
  if (auto found = names.find(place.name); found != names.end()) {
    NodeId old = found->second.node;
    if (node.is_directory() && nodes_[old].is_directory()) {
      TRY(take_over(nodes_[old]));
      touch(old);
      return old;
    }
    leave(place.directory, found);
  }
  return add_child(place.directory, place.name, std::move(node));
}

Result<NodeId> Tree::add_child(NodeId directory, std::string_view name, Node node) {
  NodeId id = TRY(add(std::move(node)));
  TRY(enter(directory, name, id));
  return id;
}

Result<> Tree::add_name(NodeId directory, std::string_view name, NodeId node) { return enter(directory, name, node); }

Result<> Tree::link(std::string_view path, std::string_view target) {
  auto missing = [&](std::string_view why) {
    return fail(ErrorCode::invalid,
                fmt::format("hard link '{}' to '{}', which {}", printable(path), printable(target), why));
  };
  Place from = TRY(in(fmt::format("hard link '{}'", printable(path)), walk(target, MissingParents::refuse)));
  if (from.name.empty()) return missing("is the root");
  Names& sources = *nodes_[from.directory].children;
  auto found = sources.find(from.name);
  if (found == sources.end()) return missing("is not in the archive before it");
  NodeId id = found->second.node;
  if (nodes_[id].is_directory()) return missing("is a directory");
  Place to = TRY(walk(path, MissingParents::make));
  if (to.name.empty()) return missing("would replace the root");
  Names& names = *nodes_[to.directory].children;
  if (auto old = names.find(to.name); old != names.end()) {
    if (old->second.node == id) {
      old->second.layer = layer_;
      touch(to.directory);
      return {};
    }
    // The replaced node may be a directory that holds the target. One more name keeps the target alive.
    ++nodes_[id].names;
    leave(to.directory, old);
    --nodes_[id].names;
  }
  return enter(to.directory, to.name, id);
}

Names::iterator Tree::leave(NodeId directory, Names::iterator child) {
  NodeId id = child->second.node;
  metadata_bytes_ -= name_size(child->first);
  auto after = nodes_[directory].children->erase(child);
  drop(id);
  return after;
}

void Tree::drop(NodeId id) {
  // A list instead of recursion, because the archive determines the depth.
  for (std::vector<NodeId> dropped{id}; !dropped.empty();) {
    NodeId at = dropped.back();
    dropped.pop_back();
    --name_count_;
    Node& node = nodes_[at];
    if (!node.is_directory()) {
      if (--node.names == 0) forget(at);
      continue;
    }
    for (const auto& [name, below] : *node.children) {
      metadata_bytes_ -= name_size(name);
      dropped.push_back(below.node);
    }
    forget(at);
  }
}

void Tree::forget(NodeId id) {
  Node& node = nodes_[id];
  metadata_bytes_ -= metadata_size(node);
  freed_.insert(freed_.end(), node.extents.begin(), node.extents.end());
  for (const auto& extent : node.extents) freed_blocks_ += extent.count;
  node = Node{};
  free_ids_.push_back(id);
}

}  // namespace banger::ext4

// What a layer removes from a tree. A whiteout removes only what lower layers made, wherever it is in its archive.
#include "ext4/tree.h"

namespace banger::ext4 {

void Tree::touch(NodeId directory) {
  // The directories around a touched one are touched too, so the loop ends early.
  for (NodeId at = directory; nodes_[at].touched != layer_; at = nodes_[at].parent) nodes_[at].touched = layer_;
}

bool Tree::is_lower(const Child& child) const {
  // A file may have names of several layers, but a directory has one name.
  const Node& node = nodes_[child.node];
  return (node.is_directory() ? node.touched : child.layer) != layer_;
}

Result<> Tree::remove_lower(std::string_view directory, std::string_view name) {
  auto in = TRY(find_directory(directory));
  if (!in) return {};
  Names& names = *nodes_[*in].children;
  auto found = names.find(name);
  if (found == names.end()) return {};
  if (is_lower(found->second))
    leave(*in, found);
  else if (nodes_[found->second.node].is_directory())
    clear_lower(found->second.node);
  return {};
}

Result<> Tree::remove_lower_names(std::string_view directory) {
  if (auto found = TRY(find_directory(directory))) clear_lower(*found);
  return {};
}

void Tree::clear_lower(NodeId directory) {
  for (std::vector<NodeId> pending{directory}; !pending.empty();) {
    NodeId at = pending.back();
    pending.pop_back();
    // A layer cannot make lower names. So each directory is searched once a layer, however many whiteouts there are.
    if (nodes_[at].cleared == layer_) continue;
    nodes_[at].cleared = layer_;
    Names& names = *nodes_[at].children;
    for (auto child = names.begin(); child != names.end();) {
      if (is_lower(child->second)) {
        child = leave(at, child);
        continue;
      }
      if (nodes_[child->second.node].is_directory()) pending.push_back(child->second.node);
      ++child;
    }
  }
}

}  // namespace banger::ext4

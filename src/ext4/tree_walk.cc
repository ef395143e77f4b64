// The paths of a tree: which directory a name of an archive belongs to.
#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>

#include "base/text.h"
#include "ext4/bounds.h"
#include "ext4/tree.h"
#include "tar/path.h"

namespace banger::ext4 {

Result<Tree::Place> Tree::walk(std::string_view path, MissingParents parents) {
  auto parts = TRY(tar::split_member(path, tar::AbsoluteNames::make_relative));
  if (parts.empty()) return Place{kRoot, {}};
  std::string_view name = parts.back();
  parts.pop_back();
  Trail trail = TRY(follow(path, std::move(parts)));
  if (!trail.missing.empty()) TRY(check_absent(path, trail));
  if (!trail.missing.empty() && parents == MissingParents::refuse)
    return fail(ErrorCode::invalid, fmt::format("'{}' is not in the archive before this", printable(path)));
  NodeId at = trail.directories.back();
  for (std::string_view missing : trail.missing) {
    NodeId made = TRY(add(make_directory(0755, default_time_)));
    TRY(enter(at, missing, made));
    at = made;
  }
  return Place{at, name};
}

Result<Tree::Trail> Tree::follow(std::string_view path, std::vector<std::string_view> parts) {
  std::ranges::reverse(parts);
  Trail trail{{kRoot}, {}};
  for (int symlinks = 0; !parts.empty();) {
    std::string_view part = parts.back();
    parts.pop_back();
    std::size_t before = parts.size();
    TRY(step(path, part, trail, parts));
    if (parts.size() > before && ++symlinks > limits::kMaxSymlinks)
      return fail(ErrorCode::invalid, fmt::format("archive entry '{}' goes through more than {} symlinks",
                                                  printable(path), limits::kMaxSymlinks));
  }
  return trail;
}

Result<> Tree::step(std::string_view path, std::string_view part, Trail& trail, std::vector<std::string_view>& ahead) {
  if (part == "..") {  // only of a symlink's target; the parent of the root is the root
    if (!trail.missing.empty())
      trail.missing.pop_back();
    else if (trail.directories.size() > 1)
      trail.directories.pop_back();
    return {};
  }
  const Names& names = *nodes_[trail.directories.back()].children;
  auto found = trail.missing.empty() ? names.find(part) : names.end();
  if (found == names.end()) {
    trail.missing.push_back(part);
    return {};
  }
  const Node& node = nodes_[found->second.node];
  if (S_ISLNK(node.mode) && symlinks_ == Symlinks::follow) return push_target(path, node.target, trail, ahead);
  if (node.is_directory())
    trail.directories.push_back(found->second.node);
  else
    trail.missing.push_back(part);
  return {};
}

Result<> Tree::check_absent(std::string_view path, const Trail& trail) {
  const Names& names = *nodes_[trail.directories.back()].children;
  auto found = names.find(trail.missing.front());
  if (found == names.end()) return {};
  bool symlink = S_ISLNK(nodes_[found->second.node].mode);
  return fail(ErrorCode::invalid,
              fmt::format("archive entry '{}' goes through '{}', which is {}", printable(path),
                          printable(trail.missing.front()), symlink ? "a symlink" : "not a directory"));
}

Result<> Tree::push_target(std::string_view path, const std::string& target, Trail& trail,
                           std::vector<std::string_view>& ahead) {
  if (target.starts_with('/')) trail.directories.resize(1);
  auto parts = split(target, '/');
  link_steps_ += parts.size();
  if (link_steps_ > limits::kSymlinkSteps)
    return fail(ErrorCode::exhausted, "the entries go through too many symlinks, one after the other");
  for (auto part = parts.rbegin(); part != parts.rend(); ++part) {
    if (part->size() > tar::kNameBytes)
      return fail(ErrorCode::invalid,
                  fmt::format("archive entry '{}' goes through a symlink to an overlong name", printable(path)));
    if (!part->empty() && *part != ".") ahead.push_back(*part);
  }
  return {};
}

Result<std::optional<NodeId>> Tree::find_directory(std::string_view path) {
  if (path.empty()) return kRoot;
  Trail trail = TRY(follow(path, TRY(tar::split_member(path, tar::AbsoluteNames::make_relative))));
  if (!trail.missing.empty()) return std::nullopt;
  return trail.directories.back();
}

}  // namespace banger::ext4

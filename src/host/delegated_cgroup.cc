#include "host/delegated_cgroup.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"

namespace banger::host {

namespace {

constexpr std::string_view kControllers[] = {"cpu", "memory", "pids"};
constexpr std::string_view kMachines = "machines", kDaemon = "daemon";
constexpr std::string_view kWayOut =
    "start the daemon with systemd-run --user --unit=banger -p Delegate=yes -p KillMode=process bangerd";

bool contains(const std::vector<std::string>& list, std::string_view word) {
  return std::ranges::find(list, word) != list.end();
}

std::vector<std::string> words_of(Result<std::string> text) {
  std::vector<std::string> words;
  if (!text) return words;
  for (auto line : split(trim(*text), '\n'))
    for (auto word : split(line, ' '))
      if (!word.empty()) words.emplace_back(word);
  return words;
}

std::vector<std::string> ours_of(Result<std::string> controllers) {
  auto words = words_of(std::move(controllers));
  std::erase_if(words,
                [](const auto& word) { return std::ranges::find(kControllers, word) == std::end(kControllers); });
  return words;
}

// One by one, because the kernel accepts all or none.
void divide(CgroupTree& tree, const std::string& group, const std::vector<std::string>& controllers) {
  for (const auto& controller : controllers) (void)tree.write(group + "/cgroup.subtree_control", "+" + controller);
}

// A daemon that another one has started begins in the group of that one, and systemd's DelegateSubgroup=daemon begins
// there too.
std::string divided_group(CgroupTree& tree, const CgroupPlace& place) {
  auto group = place.group == "/" ? place.root : place.root + place.group;
  auto above = group.substr(0, group.rfind('/'));
  bool leaf = group.ends_with(fmt::format("/{}", kDaemon)) && above != place.root;
  return leaf && tree.writable(above + "/cgroup.procs") ? above : group;
}

Result<> check_own(CgroupTree& tree, const std::string& group) {
  for (auto file : {"", "/cgroup.procs", "/cgroup.subtree_control"})
    if (!tree.writable(group + file))
      return fail(ErrorCode::denied, fmt::format("the cgroup {} is not delegated to this user", group),
                  std::string(kWayOut));
  return {};
}

// The root group may have processes, whatever its controllers do.
Result<> empty_group(CgroupTree& tree, const std::string& group, const CgroupPlace& place) {
  if (group == place.root) return {};
  auto own = fmt::to_string(place.pid);
  auto others = words_of(TRY(tree.read(group + "/cgroup.procs")));
  std::erase(others, own);
  if (!others.empty())
    return fail(ErrorCode::busy, fmt::format("{} other processes are in the cgroup {}", others.size(), group),
                std::string(kWayOut));
  auto leaf = fmt::format("{}/{}", group, kDaemon);
  TRY(tree.make(leaf));
  return tree.write(leaf + "/cgroup.procs", own);
}

}  // namespace

Result<DelegatedCgroup> DelegatedCgroup::take(CgroupTree& tree, const CgroupPlace& place) {
  auto group = divided_group(tree, place);
  auto controllers = ours_of(tree.read(group + "/cgroup.controllers"));
  if (controllers.empty())
    return fail(ErrorCode::unsupported, fmt::format("the cgroup {} has no controllers of version 2", group),
                "a host that uses only version 2 has them: systemd.unified_cgroup_hierarchy=1");
  TRY(check_own(tree, group));
  TRY(empty_group(tree, group, place));
  divide(tree, group, controllers);
  auto parent =
      group == place.root ? fmt::format("{}/banger-{}", group, kMachines) : fmt::format("{}/{}", group, kMachines);
  TRY(tree.make(parent));
  divide(tree, parent, controllers);
  auto divided = ours_of(tree.read(parent + "/cgroup.subtree_control"));
  if (divided.empty())
    return fail(ErrorCode::unsupported, fmt::format("no controller can be divided in the cgroup {}", group));
  return DelegatedCgroup(tree, group == place.root ? "" : group, std::move(parent), std::move(divided));
}

// The machines keep their groups. Their limits are set again by the next daemon.
void DelegatedCgroup::end() {
  if (group_.empty()) return;
  for (const auto& group : {parent_, group_})
    for (const auto& controller : controllers_) (void)tree_->write(group + "/cgroup.subtree_control", "-" + controller);
}

std::string DelegatedCgroup::path_of(std::string_view name) const { return fmt::format("{}/{}", parent_, name); }

std::vector<std::string> DelegatedCgroup::names() const { return tree_->list(parent_); }

Result<UniqueFd> DelegatedCgroup::make(std::string_view name, const MachineShare& share) {
  auto group = path_of(name);
  TRY(tree_->make(group));
  auto limits = [&](std::string_view controller) { return contains(controllers_, controller); };
  if (limits("memory")) TRY(tree_->write(group + "/memory.max", fmt::to_string(share.memory_bytes)));
  if (limits("pids")) TRY(tree_->write(group + "/pids.max", fmt::to_string(share.tasks)));
  // The default, so that a machine with many processors weighs no more than one with few.
  if (limits("cpu")) TRY(tree_->write(group + "/cpu.weight", "100"));
  return tree_->open(group);
}

}  // namespace banger::host

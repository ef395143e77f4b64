// A cgroup hierarchy in memory with the kernel's rules (Documentation/admin-guide/cgroup-v2.rst). A group has the files
// of a controller only if the group above divides it. A divided group has no processes. Only an empty group goes.
#pragma once

#include <fcntl.h>
#include <unistd.h>

#include <map>
#include <set>
#include <string>

#include "base/text.h"
#include "host/delegated_cgroup.h"
#include "host/files.h"

namespace banger::test {

class FakeCgroups final : public host::CgroupTree {
 public:
  struct Group {
    std::set<int> processes;
    std::set<std::string> divided;  ///< cgroup.subtree_control
    std::map<std::string, std::string> limits;
    bool ours = true;
  };

  explicit FakeCgroups(std::string own = "/user/banger") : own_(std::move(own)) {
    groups[kRoot].divided = controllers;
    for (auto at = own_.find('/', 1); at != own_.npos; at = own_.find('/', at + 1)) {
      groups[kRoot + own_.substr(0, at)] = {.divided = controllers, .ours = false};
    }
    if (own_ != "/") groups[kRoot + own_];
    groups[own_ == "/" ? kRoot : kRoot + own_].processes.insert(kPid);
  }

  /// Another daemon in the place of this one, as systemd starts it. False: the kernel refuses it.
  bool start_again(const std::string& group) {
    for (auto& [path, each] : groups) each.processes.erase(kPid);
    own_ = group;
    return write(kRoot + group + "/cgroup.procs", std::to_string(kPid)).has_value();
  }

  Result<host::CgroupPlace> place() override {
    if (absent) return fail(ErrorCode::unsupported, "this host has no cgroups of version 2");
    return host::CgroupPlace{.root = kRoot, .group = own_, .pid = kPid};
  }
  Result<std::string> read(const std::string& file) override {
    auto [path, name] = split_path(file);
    auto* group = find(path);
    if (!group) return fail(ErrorCode::not_found, file);
    if (name == "cgroup.procs") {
      std::string text;
      for (int pid : group->processes) text += std::to_string(pid) + "\n";
      return text;
    }
    if (name == "cgroup.controllers") return words(available(path));
    if (name == "cgroup.subtree_control") return words(group->divided);
    auto limit = group->limits.find(name);
    if (limit == group->limits.end()) return fail(ErrorCode::not_found, file);
    return limit->second;
  }
  Result<> write(const std::string& file, std::string_view text) override {
    auto [path, name] = split_path(file);
    auto* group = find(path);
    if (!group) return fail_errno(file, ENOENT);
    if (!group->ours) return fail_errno(file, EACCES);
    if (name == "cgroup.procs") return move(path, *group, std::stoi(std::string(text)));
    if (name == "cgroup.subtree_control") return divide(path, *group, std::string(text));
    if (!available(path).contains(name.substr(0, name.find('.')))) return fail_errno(file, ENOENT);
    group->limits[name] = std::string(text);
    return {};
  }
  Result<> make(const std::string& group) override {
    auto* above = find(group.substr(0, group.rfind('/')));
    if (!above) return fail_errno(group, ENOENT);
    if (!above->ours) return fail_errno(group, EACCES);
    groups.try_emplace(group);
    return {};
  }
  Result<> remove(const std::string& group) override {
    auto* there = find(group);
    if (!there) return {};
    if (!there->processes.empty() || !list(group).empty()) return fail(ErrorCode::busy, group);
    groups.erase(group);
    return {};
  }
  bool writable(const std::string& path) override {
    auto* group = find(path);
    if (!group) group = find(split_path(path).first);
    return group && group->ours;
  }
  std::vector<std::string> list(const std::string& group) override {
    std::vector<std::string> names;
    for (const auto& [path, each] : groups)
      if (path.starts_with(group + "/") && path.find('/', group.size() + 1) == path.npos)
        names.push_back(path.substr(group.size() + 1));
    return names;
  }
  Result<UniqueFd> open(const std::string&) override { return host::open_file("/", O_RDONLY | O_DIRECTORY); }

  static constexpr int kPid = 42;
  inline static const std::string kRoot = "/cg";
  std::set<std::string> controllers = {"cpu", "cpuset", "io", "memory", "pids"};
  std::map<std::string, Group> groups;  ///< by path
  bool absent = false;

 private:
  Group* find(const std::string& path) {
    auto found = groups.find(path);
    return found == groups.end() ? nullptr : &found->second;
  }
  static std::pair<std::string, std::string> split_path(const std::string& path) {
    auto slash = path.rfind('/');
    return {path.substr(0, slash), path.substr(slash + 1)};
  }
  static std::string words(const std::set<std::string>& set) {
    std::string text;
    for (const auto& word : set) text += (text.empty() ? "" : " ") + word;
    return text + "\n";
  }
  std::set<std::string> available(const std::string& path) {
    if (path == kRoot) return controllers;
    auto* above = find(path.substr(0, path.rfind('/')));
    return above ? above->divided : std::set<std::string>();
  }
  Result<> move(const std::string& path, Group& to, int pid) {
    if (path != kRoot && !to.divided.empty()) return fail_errno(path, EBUSY);
    for (auto& [name, each] : groups) each.processes.erase(pid);
    to.processes.insert(pid);
    return {};
  }
  Result<> divide(const std::string& path, Group& group, const std::string& word) {
    auto controller = word.substr(1);
    if (word[0] == '-') {
      for (const auto& name : list(path))
        if (groups[path + "/" + name].divided.contains(controller)) return fail_errno(path, EBUSY);
      group.divided.erase(controller);
      for (const auto& name : list(path))
        std::erase_if(groups[path + "/" + name].limits,
                      [&](const auto& each) { return each.first.starts_with(controller); });
      return {};
    }
    if (!available(path).contains(controller)) return fail_errno(path, ENOENT);
    if (path != kRoot && !group.processes.empty()) return fail_errno(path, EBUSY);
    group.divided.insert(controller);
    return {};
  }

  std::string own_;
};

}  // namespace banger::test

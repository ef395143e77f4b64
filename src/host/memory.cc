#include "host/memory.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <vector>

#include "base/text.h"
#include "host/bounds.h"
#include "host/files.h"

namespace banger::host {

namespace {

std::optional<std::uint64_t> parse_number(std::string_view text) {
  std::uint64_t number = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc{} ? std::optional(number) : std::nullopt;
}

/// The number behind a key at the start of a line.
std::optional<std::uint64_t> find_number(std::string_view text, std::string_view key) {
  for (auto line : split(text, '\n'))
    if (line.starts_with(key)) return parse_number(trim(line.substr(key.size())));
  return std::nullopt;
}

/// One version's names of the same files and numbers.
struct Version {
  std::string_view limits[2];
  std::string_view usage, reclaimable;
};

constexpr Version kVersion1{
    {"memory.limit_in_bytes", "memory.limit_in_bytes"}, "memory.usage_in_bytes", "total_inactive_file "};
constexpr Version kVersion2{{"memory.max", "memory.high"}, "memory.current", "inactive_file "};

/// A mounted hierarchy, and the process's group in it.
struct Hierarchy {
  const Version& version;
  std::string mount;  ///< the directory of the topmost group that this process can see
  std::string group;  ///< the path of the process's group below `mount`; empty or with a leading slash
};

// A line of /proc/self/cgroup is ID:CONTROLLERS:PATH, for version 2 with the id 0 and without controllers.
std::optional<std::string_view> path_of_group(std::string_view groups, const Version& version) {
  for (auto line : split(groups, '\n')) {
    auto first = line.find(':'), second = line.find(':', first == line.npos ? first : first + 1);
    if (second == line.npos) continue;
    auto controllers = split(line.substr(first + 1, second - first - 1), ',');
    bool version2 = line.starts_with("0::");
    bool memory = std::ranges::find(controllers, "memory") != controllers.end();
    if (&version == &kVersion2 ? version2 : memory) return line.substr(second + 1);
  }
  return std::nullopt;
}

// In a container the mount may show a part of the hierarchy only: its root is then the path of that part.
std::string below(std::string_view path, std::string_view root) {
  if (root == "/") return path == "/" ? std::string() : std::string(path);
  bool inside = path.starts_with(root) && (path.size() == root.size() || path[root.size()] == '/');
  return inside ? std::string(path.substr(root.size())) : std::string();
}

// A line of mountinfo is ID PARENT DEVICE ROOT MOUNT OPTIONS… - TYPE SOURCE SUPER-OPTIONS: proc(5).
std::vector<Hierarchy> hierarchies(const CgroupFiles& files) {
  std::vector<Hierarchy> found;
  auto groups = read_file(files.groups, limits::kCgroupFileBytes).value_or("");
  auto mounts = read_file(files.mounts, limits::kMountsFileBytes).value_or("");
  for (auto line : split(mounts, '\n')) {
    auto dash = line.find(" - ");
    if (dash == line.npos) continue;
    auto fields = split(line.substr(0, dash), ' '), type = split(line.substr(dash + 3), ' ');
    if (fields.size() < 5 || type.size() < 3) continue;
    auto options = split(type[2], ',');
    bool version1 = type[0] == "cgroup" && std::ranges::find(options, "memory") != options.end();
    if (!version1 && type[0] != "cgroup2") continue;
    const auto& version = version1 ? kVersion1 : kVersion2;
    if (auto path = path_of_group(groups, version))
      found.push_back({version, std::string(fields[4]), below(*path, fields[3])});
  }
  return found;
}

struct Group {
  std::string name;
  std::uint64_t limit = 0, used = 0;
  std::uint64_t room() const { return limit > used ? limit - used : 0; }
};

std::optional<Group> limited_group(const Version& version, const std::string& directory, std::string name) {
  auto read = [&](std::string_view file) {
    return read_file(fmt::format("{}/{}", directory, file), limits::kCgroupFileBytes).value_or("");
  };
  std::optional<std::uint64_t> limit;
  for (auto file : version.limits)
    if (auto number = parse_number(read(file))) limit = std::min(*number, limit.value_or(UINT64_MAX));
  auto usage = parse_number(read(version.usage));
  if (!limit || !usage) return std::nullopt;
  auto reclaimable = find_number(read("memory.stat"), version.reclaimable).value_or(0);
  return Group{.name = name.empty() ? "/" : std::move(name),
               .limit = *limit,
               .used = *usage > reclaimable ? *usage - reclaimable : 0};
}

/// All groups with a limit, from the process's own group to the top.
std::vector<Group> limited_groups(const CgroupFiles& files) {
  std::vector<Group> found;
  for (const auto& [version, mount, path] : hierarchies(files))
    for (auto name = path;; name.erase(name.rfind('/'))) {
      if (auto group = limited_group(version, mount + name, name)) found.push_back(std::move(*group));
      if (name.find('/') == name.npos) break;
    }
  return found;
}

}  // namespace

std::string MemoryRoom::owner() const {
  return cgroup.empty() ? "the host" : fmt::format("the cgroup {} (its limit is {})", cgroup, format_size(limit));
}

std::optional<MemoryRoom> tightest_cgroup(const CgroupFiles& files) {
  auto groups = limited_groups(files);
  auto tightest = std::ranges::min_element(groups, {}, &Group::room);
  if (tightest == groups.end()) return std::nullopt;
  return MemoryRoom{.bytes = tightest->room(), .cgroup = printable(tightest->name), .limit = tightest->limit};
}

std::uint64_t bounded_by_cgroups(std::uint64_t bytes, const CgroupFiles& files) {
  for (const auto& group : limited_groups(files)) bytes = std::min(bytes, group.limit);
  return bytes;
}

Result<MemoryRoom> available_memory() {
  auto text = TRY(read_file("/proc/meminfo", limits::kCgroupFileBytes));
  auto kib = find_number(text, "MemAvailable:");
  if (!kib) return fail(ErrorCode::internal, "/proc/meminfo does not say how much memory is available");
  MemoryRoom host{.bytes = *kib * limits::kKiB};
  auto cgroup = tightest_cgroup();
  return cgroup && cgroup->bytes < host.bytes ? *cgroup : host;
}

}  // namespace banger::host

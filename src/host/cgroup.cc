#include "host/cgroup.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <thread>
#include <utility>

#include "base/text.h"
#include "host/bounds.h"
#include "host/files.h"

namespace banger::host {

namespace {

constexpr std::string_view kControllers[] = {"cpu", "memory", "pids"};

Result<> write_control(const std::string& path, std::string_view text) {
  auto file = TRY(open_file(path, O_WRONLY));
  return in(path, write_all(file.get(), text));
}

Result<> make_group(const std::string& path) {
  if (::mkdir(path.c_str(), 0755) < 0 && errno != EEXIST) return fail_errno(path);
  return {};
}

// One by one, because the kernel accepts all or none. The files of the groups below show which ones worked.
void enable_below(const std::string& group) {
  for (auto controller : kControllers)
    (void)write_control(group + "/cgroup.subtree_control", fmt::format("+{}", controller));
}

}  // namespace

std::optional<std::string> find_cgroups(const std::string& mounts) {
  auto text = read_file(mounts, limits::kMountsFileBytes);
  if (!text) return std::nullopt;
  for (auto line : split(*text, '\n')) {
    auto fields = split(line, ' ');
    if (fields.size() > 2 && fields[2] == "cgroup2") return std::string(fields[1]);
  }
  return std::nullopt;
}

std::vector<std::string> limiting_controllers(const std::string& root) {
  std::vector<std::string> found;
  auto text = read_file(root + "/cgroup.controllers", limits::kCgroupFileBytes);
  if (!text) return found;
  for (auto word : split(trim(*text), ' '))
    if (std::ranges::find(kControllers, word) != std::end(kControllers)) found.emplace_back(word);
  return found;
}

Result<std::vector<std::string>> make_cgroup(const std::string& root, std::string_view parent, std::string_view name,
                                             const CgroupLimits& limits) {
  auto above = fmt::format("{}/{}", root, parent), group = fmt::format("{}/{}", above, name);
  enable_below(root);
  TRY(make_group(above));
  enable_below(above);
  TRY(make_group(group));
  const std::pair<std::string_view, std::string> wanted[] = {
      {"cpu.max", fmt::format("{} 100000", std::uint64_t{limits.cpus} * 100'000)},
      {"memory.max", fmt::to_string(limits.memory_bytes)},
      {"pids.max", fmt::to_string(limits.tasks)}};
  std::vector<std::string> limited;
  for (const auto& [file, value] : wanted) {
    auto path = fmt::format("{}/{}", group, file);
    if (::access(path.c_str(), F_OK) < 0) continue;
    TRY(write_control(path, value));
    limited.emplace_back(file.substr(0, file.find('.')));
  }
  return limited;
}

Result<> enter_cgroup(const std::string& group, pid_t process) {
  return write_control(group + "/cgroup.procs", fmt::to_string(process));
}

Result<> end_cgroup(const std::string& group, std::chrono::milliseconds patience) {
  auto until = std::chrono::steady_clock::now() + patience;
  // Since Linux 5.14. On older kernels the starter of a process must kill it.
  if (::access(group.c_str(), F_OK) == 0) (void)write_control(group + "/cgroup.kill", "1");
  while (::rmdir(group.c_str()) < 0) {
    if (errno == ENOENT) return {};
    if (errno != EBUSY) return fail_errno(group);
    if (std::chrono::steady_clock::now() >= until)
      return fail(ErrorCode::busy, fmt::format("{}: a process in it has not ended yet", group));
    std::this_thread::sleep_for(limits::kCgroupEndPoll);
  }
  return {};
}

}  // namespace banger::host

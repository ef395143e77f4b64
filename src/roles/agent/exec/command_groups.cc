#include "roles/agent/exec/command_groups.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <utility>

#include "base/text.h"
#include "host/files.h"
#include "roles/agent/bounds.h"
#include "roles/agent/groups.h"

namespace banger::roles::agent {

namespace {

std::uint64_t number_in(const char* path) {
  auto text = host::read_file(path, limits::kCommandLineBytes).value_or("");
  std::uint64_t number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

Result<> make_group(const std::string& path) {
  if (::mkdir(path.c_str(), 0755) < 0 && errno != EEXIST) return fail_errno(path);
  return {};
}

// systemd mounts cgroup2 itself, or uses version 1 on purpose. Other inits often mount nothing.
Result<std::string> mount_cgroup2(const RunDir& run_dir) {
  if (run_dir.init_kind() == InitKind::systemd || !run_dir.system_ready())
    return fail(ErrorCode::unavailable, "cgroup2 is not mounted yet");
  auto target = run_dir.path() + "/cgroup";
  TRY(make_group(target));
  if (::mount("cgroup2", target.c_str(), "cgroup2", MS_NOSUID | MS_NODEV | MS_NOEXEC, nullptr) < 0)
    return fail_errno("mount cgroup2");
  return target;
}

// A controller that the guest has not, or that version 1 uses, only means a limit less.
void enable_below(const std::string& group, const char* controller) {
  (void)put_control(group + "/cgroup.subtree_control", controller);
}

// "populated 0\nfrozen 0\n"
bool is_empty(int events) {
  char text[limits::kCgroupCountBytes];
  auto got = ::pread(events, text, sizeof text, 0);
  return got > 0 && std::string_view(text, static_cast<std::size_t>(got)).starts_with("populated 0");
}

// Without the file (pids of version 1), there may be any number.
bool is_crowd(int tasks) {
  char text[limits::kCgroupCountBytes];
  auto got = ::pread(tasks, text, sizeof text, 0);
  std::uint64_t number = 0;
  return got <= 0 || std::from_chars(text, text + got, number).ec != std::errc() || number > limits::kCrowdTasks;
}

}  // namespace

std::uint64_t command_tasks(std::uint64_t pid_max, std::uint64_t threads_max) {
  return std::max(std::min(pid_max, threads_max) / limits::kCommandTaskShare, limits::kLeastCommandTasks);
}

Result<> CommandGroups::set_up() {
  auto root = find_cgroup2(TRY(host::read_file(mounts_, limits::kProcFileBytes)));
  if (root.empty() && mount_ == MountCgroups::no) return fail(ErrorCode::not_found, "cgroup2 is not mounted");
  if (root.empty()) root = TRY(mount_cgroup2(run_dir_));
  for (auto controller : {"+pids", "+cpu"}) enable_below(root, controller);
  auto own = TRY(move_agent(root));
  (void)put_control(own + "/cpu.weight", std::to_string(limits::kAgentCpuWeight));
  auto parent = fmt::format("{}/{}", root, kCommandsGroup);
  TRY(make_group(parent));
  enable_below(parent, "+pids");
  tasks_ = host::open_file(parent + "/pids.current", O_RDONLY).value_or(UniqueFd());
  parent_ = std::move(parent);
  return {};
}

// From now on each command gets an equal share of the processor, however many processes it has. Under software
// emulation such shares make the start of a command a tenth slower, so they wait for a crowd.
void CommandGroups::share_processor_in_a_crowd() {
  if (shared_ || !is_crowd(tasks_.get())) return;
  enable_below(parent_, "+cpu");
  shared_ = true;
}

// Without the file, the guest has no such limit.
void CommandGroups::put_limit(const std::string& group) const {
  auto own = command_tasks(number_in("/proc/sys/kernel/pid_max"), number_in("/proc/sys/kernel/threads-max"));
  (void)put_control(group + "/pids.max", std::to_string(wanted_ > 0 ? wanted_ : own));
}

std::string CommandGroups::path_of(std::size_t index) const { return fmt::format("{}/{}", parent_, index + 1); }

void CommandGroups::limit(std::uint32_t tasks) {
  if (std::exchange(wanted_, tasks) == tasks) return;
  for (std::size_t i = 0; i < groups_.size(); ++i) put_limit(path_of(i));
}

Result<CommandGroups::Group> CommandGroups::open_group(const std::string& path) const {
  TRY(make_group(path));
  put_limit(path);
  return Group{.directory = TRY(host::open_file(path, O_RDONLY | O_DIRECTORY)),
               .events = TRY(host::open_file(path + "/cgroup.events", O_RDONLY))};
}

// An earlier agent may have left the group, together with processes.
Result<> CommandGroups::add_group() {
  groups_.push_back(TRY(open_group(path_of(groups_.size()))));
  return {};
}

int CommandGroups::next() {
  if (parent_.empty() && !set_up()) return -1;
  share_processor_in_a_crowd();
  auto is_free = [](const Group& group) { return is_empty(group.events.get()); };
  auto found = std::ranges::find_if(groups_, is_free);
  while (found == groups_.end()) {
    if (groups_.size() >= limits::kCommandGroups || !add_group()) return -1;
    found = is_free(groups_.back()) ? groups_.end() - 1 : groups_.end();
  }
  return found->directory.get();
}

}  // namespace banger::roles::agent

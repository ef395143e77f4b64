#include "roles/agent/freezer.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <thread>
#include <vector>

#include "base/text.h"
#include "host/files.h"
#include "roles/agent/bounds.h"

namespace banger::roles::agent {

namespace {

using Clock = std::chrono::steady_clock;
constexpr std::string_view kAgentGroup = "banger-agent";

// Not host::write_file(), which writes a temporary file and renames it.
Result<> put(const std::string& path, std::string_view text) {
  auto file = TRY(host::open_file(path, O_WRONLY));
  if (auto written = host::write_all(file.get(), text); !written) return in(path, std::move(written));
  return {};
}

bool has_process(const std::string& group, pid_t pid) {
  auto text = host::read_file(group + "/cgroup.procs", limits::kFrozenListBytes).value_or("");
  for (auto line : split(text, '\n'))
    if (line == std::to_string(pid)) return true;
  return false;
}

// systemd keeps the agent in init.scope, together with itself.
Result<> move_agent(const std::string& group) {
  if (::mkdir(group.c_str(), 0755) < 0 && errno != EEXIST) return fail_errno(group);
  TRY(put(group + "/cgroup.procs", std::to_string(::getpid())));
  if (pid_t keeper = ::getppid(); keeper > 1) TRY(put(group + "/cgroup.procs", std::to_string(keeper)));
  // Freezing the agent's own group would stop the agent for ever.
  if (!has_process(group, ::getpid()))
    return fail(ErrorCode::internal, fmt::format("the agent could not be moved to {}", group));
  return {};
}

std::vector<std::string> other_groups(const std::string& root, const std::string& own) {
  std::vector<std::string> groups;
  std::error_code error;
  for (std::filesystem::directory_iterator entry(root, error), end; !error && entry != end; entry.increment(error)) {
    auto path = entry->path().native();
    if (path == own || !entry->is_directory(error)) continue;
    // A group that is frozen already was frozen by the guest's user.
    if (host::read_file(path + "/cgroup.freeze", 16) == "0\n") groups.push_back(std::move(path));
  }
  return groups;
}

bool is_frozen(const std::string& group) {
  auto events = host::read_file(group + "/cgroup.events", 4096).value_or("");
  for (auto line : split(events, '\n'))
    if (line == "frozen 1") return true;
  return false;
}

}  // namespace

std::string find_cgroup2(std::string_view mountinfo) {
  for (auto line : split(mountinfo, '\n')) {
    auto optional_end = line.find(" - ");
    if (optional_end == line.npos || !line.substr(optional_end + 3).starts_with("cgroup2 ")) continue;
    auto fields = split(line, ' ');
    if (fields.size() > 4 && fields[3] == "/") return std::string(fields[4]);
  }
  return "";
}

Result<int> freeze_others(const std::string& mounts, const std::string& record) {
  auto root = find_cgroup2(TRY(host::read_file(mounts, limits::kProcFileBytes)));
  if (root.empty()) return 0;
  auto own = fmt::format("{}/{}", root, kAgentGroup);
  TRY(move_agent(own));
  auto groups = other_groups(root, own);
  // Record the groups before the first one stops. Then they can be thawed whatever happens next.
  TRY(host::write_file(record, join(groups, "\n"), 0600));
  for (const auto& group : groups) TRY(put(group + "/cgroup.freeze", "1"));
  int frozen = 0;
  auto deadline = Clock::now() + limits::kFreezeDeadline;
  for (const auto& group : groups) {
    while (!is_frozen(group) && Clock::now() < deadline) std::this_thread::sleep_for(limits::kFreezePoll);
    frozen += is_frozen(group);
  }
  return frozen;
}

Result<> thaw(const std::string& record) {
  auto text = host::read_file(record, limits::kFrozenListBytes);
  if (!text) return text.error().code == ErrorCode::not_found ? Result<>() : Result<>(std::unexpected(text.error()));
  Result<> first;
  for (auto group : split(*text, '\n')) {
    if (group.empty()) continue;
    auto thawed = put(fmt::format("{}/cgroup.freeze", group), "0");
    // A group may end while it is frozen, with its last process.
    if (!thawed && thawed.error().code != ErrorCode::not_found && first) first = std::move(thawed);
  }
  TRY(host::remove_file(record));
  return first;
}

}  // namespace banger::roles::agent

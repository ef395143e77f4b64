#include "roles/agent/freezer.h"

#include <fmt/format.h>

#include <chrono>
#include <filesystem>
#include <thread>
#include <vector>

#include "base/text.h"
#include "host/files.h"
#include "roles/agent/bounds.h"
#include "roles/agent/groups.h"

namespace banger::roles::agent {

namespace {

using Clock = std::chrono::steady_clock;

// Commands must be able to start before the rest of a clone is thawed. In a template none of them is running.
std::vector<std::string> other_groups(const std::string& root) {
  std::vector<std::string> groups;
  std::error_code error;
  for (std::filesystem::directory_iterator entry(root, error), end; !error && entry != end; entry.increment(error)) {
    auto path = entry->path().native();
    auto name = entry->path().filename().native();
    if (name == kAgentGroup || name == kCommandsGroup || !entry->is_directory(error)) continue;
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

Result<int> freeze_others(const std::string& mounts, const std::string& record) {
  auto root = find_cgroup2(TRY(host::read_file(mounts, limits::kProcFileBytes)));
  if (root.empty()) return 0;
  // Freezing the agent's own group would stop the agent for ever.
  TRY(move_agent(root));
  auto groups = other_groups(root);
  // Record the groups before the first one stops. Then they can be thawed whatever happens next.
  TRY(host::write_file(record, join(groups, "\n"), 0600));
  for (const auto& group : groups) TRY(put_control(group + "/cgroup.freeze", "1"));
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
    auto thawed = put_control(fmt::format("{}/cgroup.freeze", group), "0");
    // A group may end while it is frozen, with its last process.
    if (!thawed && thawed.error().code != ErrorCode::not_found && first) first = std::move(thawed);
  }
  TRY(host::remove_file(record));
  return first;
}

}  // namespace banger::roles::agent

#include "roles/agent/exec/sessions/sessions.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>

#include "base/text.h"
#include "host/files.h"
#include "link/bounds.h"
#include "roles/agent/bounds.h"
#include "roles/agent/exec/sessions/log.h"

namespace banger::roles::agent {

namespace {

constexpr const char* kLostReason = "the guest ended before the session did";

// The lock goes away with its keeper, however that ends.
bool has_keeper(const std::string& directory) {
  auto lock = host::open_file(directory + "/lock", O_RDONLY | O_NOFOLLOW);
  return lock && ::flock(lock->get(), LOCK_SH | LOCK_NB) < 0;
}

Result<SessionRecord> read_session(const std::string& directory) {
  // In this order: a keeper writes how its session has ended, and ends then.
  bool kept = has_keeper(directory);
  auto record = TRY(load_record(directory));
  if (record.live() && !kept) {
    record.state = SessionState::lost;
    record.reason = kLostReason;
  }
  return record;
}

Result<UniqueFd> make_lock(const std::string& directory) {
  auto lock = TRY(host::open_file(directory + "/lock", O_RDWR | O_CREAT | O_EXCL));
  if (::flock(lock.get(), LOCK_EX | LOCK_NB) < 0) return fail_errno("lock the session");
  return lock;
}

Result<> check_room(const std::vector<SessionRecord>& live, const std::string& name) {
  if (std::ranges::find(live, name, &SessionRecord::name) != live.end())
    return fail(ErrorCode::exists, fmt::format("the VM has a live session '{}'", printable(name)),
                "choose another name, or attach to the session");
  if (live.size() >= limits::kSessions)
    return fail(ErrorCode::exhausted, fmt::format("the VM has {} live sessions, and may not have more", live.size()),
                "stop some of them");
  return {};
}

}  // namespace

std::vector<SessionRecord> Sessions::list() const {
  std::vector<SessionRecord> all;
  std::error_code error;
  for (std::filesystem::directory_iterator entry(directory_, error), end; !error && entry != end;
       entry.increment(error))
    if (auto record = read_session(entry->path().string())) all.push_back(std::move(*record));
  std::ranges::sort(all, {}, [](const auto& each) { return std::pair(each.started_ms, each.id); });
  return all;
}

Result<SessionRecord> Sessions::get(const std::string& id_or_name) const {
  std::optional<SessionRecord> found;
  std::vector<std::string> names;
  for (auto& each : list()) {
    names.push_back(each.name);
    if (each.id == id_or_name) return each;
    if (each.name == id_or_name && !(found && found->live())) found = std::move(each);
  }
  if (found) return std::move(*found);
  return fail(ErrorCode::not_found, fmt::format("the VM has no session '{}'", printable(id_or_name, 80)),
              did_you_mean(id_or_name, names));
}

void Sessions::prune(std::vector<SessionRecord> ended) const {
  std::uint64_t bytes = 0;
  for (std::size_t kept = 0; !ended.empty(); ended.pop_back()) {
    auto directory = directory_of(ended.back().id);
    bytes += log_size(directory);
    if (++kept > limits::kEndedSessions || bytes > limits::kEndedSessionBytes) (void)host::remove_tree(directory);
  }
}

Result<Sessions::New> Sessions::add(const link::SessionSpec& spec) const {
  std::vector<SessionRecord> live, ended;
  for (auto& record : list()) (record.live() ? live : ended).push_back(std::move(record));
  prune(std::move(ended));
  TRY(check_room(live, spec.name));
  auto record = new_record(
      spec, live.size() < limits::kLargeLogSessions ? limits::kSessionLogBytes : limits::kSmallSessionLogBytes);
  auto directory = directory_of(record.id);
  TRY(host::make_directories(directory_, 0700));
  TRY(host::make_private_directory(directory_));
  TRY(host::make_private_directory(directory));
  auto lock = TRY(make_lock(directory));
  TRY(host::write_file(directory + "/spec.json", dump_json(link::to_json(spec))));
  TRY(save_record(directory, record));
  return New{.record = std::move(record), .lock = std::move(lock)};
}

Result<> Sessions::remove(const SessionRecord& record) const {
  if (record.live())
    return fail(ErrorCode::busy, fmt::format("session '{}' is running", printable(record.name)), "stop it first");
  return host::remove_tree(directory_of(record.id));
}

Result<link::SessionSpec> take_spec(const std::string& directory) {
  auto path = directory + "/spec.json";
  auto text = TRY(host::read_regular_file(path, limits::kExecSpecBytes));
  TRY(host::remove_file(path));
  return link::session_spec_from_json(TRY(parse_json(text, limits::kExecSpecBytes)));
}

}  // namespace banger::roles::agent

#include "machine/machine.h"

#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>

namespace banger::machine {

namespace {

std::optional<pid_t> pid_from_name(std::string_view name) {
  pid_t pid = 0;
  auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), pid);
  if (error != std::errc{} || end != name.data() + name.size() || pid <= 0) return std::nullopt;
  return pid;
}

bool carries(pid_t pid, std::string_view token) {
  auto argv = host::process_argv(pid);
  return argv && std::ranges::any_of(*argv, [&](const std::string& word) { return word.find(token) != word.npos; });
}

}  // namespace

Json to_json(const MachineRecord& record) {
  return {{"driver", record.driver},
          {"accelerator", record.accelerator},
          {"version", record.version},
          {"pid", record.process.pid},
          {"start_time", record.process.start_time},
          {"token", record.token},
          {"directory", record.directory},
          {"memory_file", record.memory_file},
          {"memory_bytes", record.memory_bytes},
          {"reason", record.reason},
          {"jailed", record.jailed},
          {"console_from", record.console_from}};
}

Result<MachineRecord> record_from_json(const Json& json) {
  MachineRecord record;
  record.driver = TRY(in("machine record", get_string(json, "driver")));
  record.accelerator = TRY(in("machine record", get_string(json, "accelerator")));
  record.version = TRY(in("machine record", get_string(json, "version")));
  auto pid = TRY(in("machine record", get_int(json, "pid")));
  auto start_time = TRY(in("machine record", get_int(json, "start_time")));
  record.token = TRY(in("machine record", get_string(json, "token")));
  record.directory = TRY(in("machine record", get_string(json, "directory")));
  // Records of the first format have neither field: the memory of their machines has no file.
  record.memory_file = TRY(in("machine record", find_string(json, "memory_file"))).value_or("");
  record.memory_bytes =
      static_cast<std::uint64_t>(TRY(in("machine record", find_int(json, "memory_bytes"))).value_or(0));
  record.reason = TRY(in("machine record", find_string(json, "reason"))).value_or("");
  record.jailed = TRY(in("machine record", find_bool(json, "jailed"))).value_or(false);
  record.console_from =
      static_cast<std::uint64_t>(TRY(in("machine record", find_int(json, "console_from"))).value_or(0));
  // 0: written before the start of the process. A pid of 1 or below is never a VMM, and a signal to -1 would reach all
  // processes.
  if (pid < 0 || pid == 1 || pid > INT32_MAX)
    return fail(ErrorCode::corrupt, "machine record: field 'pid' is not a process id");
  if (start_time < 0) return fail(ErrorCode::corrupt, "machine record: field 'start_time' is negative");
  record.process = {static_cast<pid_t>(pid), static_cast<unsigned long long>(start_time)};
  return record;
}

std::optional<host::ProcessId> find_process_by_token(std::string_view token) {
  if (token.empty()) return std::nullopt;
  std::unique_ptr<DIR, int (*)(DIR*)> proc(::opendir("/proc"), ::closedir);
  if (!proc) return std::nullopt;
  while (const dirent* entry = ::readdir(proc.get())) {
    auto pid = pid_from_name(entry->d_name);
    struct stat info{};
    if (!pid || *pid == ::getpid()) continue;
    if (::fstatat(::dirfd(proc.get()), entry->d_name, &info, 0) < 0 || info.st_uid != ::geteuid()) continue;
    // The identity is read before the command line. If the pid is reused in between, the identity is stale and opening
    // it fails later. So it never names a stranger.
    auto id = host::process_id(*pid);
    if (id && carries(*pid, token)) return *id;
  }
  return std::nullopt;
}

}  // namespace banger::machine

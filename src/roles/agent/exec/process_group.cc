#include "roles/agent/exec/process_group.h"

#include <fmt/format.h>
#include <signal.h>

#include <charconv>
#include <filesystem>

#include "base/text.h"
#include "host/files.h"

namespace banger::roles::agent {

namespace {

pid_t number_of(std::string_view text) {
  pid_t number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

// Fields of /proc/PID/stat after the name, which may hold anything: state, ppid, pgrp, session (proc(5)).
bool is_live_member(const std::string& stat, pid_t group, pid_t session) {
  auto after_name = stat.rfind(") ");
  if (after_name == stat.npos) return false;
  auto field = split(std::string_view(stat).substr(after_name + 2), ' ');
  if (field.size() < 4 || field[0] == "Z" || field[0] == "X") return false;
  return number_of(field[2]) == group && number_of(field[3]) == session;
}

}  // namespace

bool group_has_others(pid_t group, pid_t leader) {
  std::error_code error;
  for (std::filesystem::directory_iterator entry("/proc", error), end; !error && entry != end; entry.increment(error)) {
    auto pid = number_of(entry->path().filename().native());
    if (pid <= 0 || pid == leader) continue;
    auto stat = host::read_file(fmt::format("/proc/{}/stat", pid), 4096);
    if (stat && is_live_member(*stat, group, leader)) return true;
  }
  return false;
}

void signal_group(pid_t group, int number) {
  // 0 and 1 would mean "my own group" and "everything".
  if (group > 1) (void)::kill(-group, number);
}

}  // namespace banger::roles::agent

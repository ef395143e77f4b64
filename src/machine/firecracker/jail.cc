#include "machine/firecracker/jail.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <filesystem>

#include "base/text.h"
#include "machine/firecracker/bounds.h"
#include "machine/firecracker/firecracker.h"
#include "machine/firecracker/requests.h"

namespace banger::machine::firecracker {

namespace {

constexpr std::size_t kIdBytes = 64;

bool is_id_character(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-';
}

}  // namespace

Result<> check(const Jail& jail) {
  if (jail.id.empty() || jail.id.size() > kIdBytes || !std::ranges::all_of(jail.id, is_id_character))
    return fail(ErrorCode::invalid, fmt::format("'{}' cannot name a jail", printable(jail.id, kIdBytes)));
  if (jail.uid == 0 || jail.gid == 0)
    return fail(ErrorCode::unsupported, "a jail cannot confine a process that runs as root",
                "as root: banger system install --owner USER --jailer FILE, and use banger as USER");
  for (const auto& path : {jail.jailer_binary, jail.firecracker_binary, jail.base})
    if (!path.starts_with('/'))
      return fail(ErrorCode::invalid, fmt::format("'{}' is not an absolute path", printable(path)));
  auto parts = split(jail.cgroup, '/');
  auto leads_out = [](std::string_view part) { return part.empty() || part == "." || part == ".."; };
  if (!jail.cgroup.empty() && std::ranges::any_of(parts, leads_out))
    return fail(ErrorCode::invalid, fmt::format("'{}' is not the name of a cgroup", printable(jail.cgroup)));
  return {};
}

std::string exec_name(const Jail& jail) { return std::filesystem::path(jail.firecracker_binary).filename(); }
std::string jail_root(const Jail& jail) { return fmt::format("{}/{}/{}/root", jail.base, exec_name(jail), jail.id); }

std::vector<std::string> jailer_command_line(const Jail& jail, const std::vector<std::string>& arguments) {
  std::vector<std::string> argv = {jail.jailer_binary,
                                   "--id",
                                   jail.id,
                                   "--exec-file",
                                   jail.firecracker_binary,
                                   "--uid",
                                   fmt::to_string(jail.uid),
                                   "--gid",
                                   fmt::to_string(jail.gid),
                                   "--chroot-base-dir",
                                   jail.base};
  // The jailer's default is cgroup version 1: with no limits to set, it then leaves cgroups alone. With version 2 and
  // an existing parent, it moves itself into the parent.
  if (!jail.cgroup.empty()) argv.insert(argv.end(), {"--cgroup-version", "2", "--parent-cgroup", jail.cgroup});
  argv.emplace_back("--");
  argv.insert(argv.end(), arguments.begin(), arguments.end());
  return argv;
}

std::vector<std::string> jailed_arguments() {
  return {"--api-sock", std::string(kApiSocket), "--log-path", std::string(kFirecrackerLog), "--level",
          "Info",       "--show-level"};
}

bool is_jail_file_name(std::string_view name) {
  for (auto known : {kJailedKernel, kInitrdFile, kFirecrackerLog, kMetricsFile, kLoadedDevices, kLoadedMemory})
    if (name == known) return true;
  for (std::size_t i = 0; i < limits::kJailFiles; ++i)
    if (name == drive_name(i)) return true;
  return false;
}

Result<pid_t> parse_pid_file(std::string_view text) {
  auto digits = trim(text);
  pid_t pid = 0;
  auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), pid);
  if (digits.empty()) return fail(ErrorCode::not_found, "the jailer's pid file is empty");
  if (error != std::errc{} || end != digits.data() + digits.size() || pid <= 1)
    return fail(ErrorCode::corrupt, "the jailer's pid file contains no process id");
  return pid;
}

}  // namespace banger::machine::firecracker

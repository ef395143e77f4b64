#include "machine/live_machines.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <charconv>
#include <filesystem>

namespace banger::machine {

namespace fs = std::filesystem;

namespace {

constexpr std::size_t kTokenDigits = 32;  // 16 random bytes
constexpr std::string_view kHexDigits = "0123456789abcdef";

void add_tokens(std::string_view word, std::vector<std::string>& tokens) {
  while (!word.empty()) {
    auto run = std::min(word.find_first_not_of(kHexDigits), word.size());
    if (run == kTokenDigits) tokens.emplace_back(word.substr(0, run));
    word.remove_prefix(std::max<std::size_t>(run, 1));
  }
}

std::string link_of(pid_t pid, std::string_view name) {
  std::error_code error;
  return fs::read_symlink(fmt::format("/proc/{}/{}", pid, name), error).string();
}

// A process in a container may run at the same path of another file system.
bool shares_our_mounts(pid_t pid) {
  auto its = link_of(pid, "ns/mnt");
  return !its.empty() && its == link_of(::getpid(), "ns/mnt");
}

// The id of the VM whose directory below `vms` the process runs in, or "".
std::string vm_id_of(pid_t pid, const std::string& vms) {
  constexpr std::string_view kGone = " (deleted)";
  std::error_code error;
  auto parent = fs::weakly_canonical(vms, error).string() + "/";
  auto path = link_of(pid, "cwd");
  if (path.ends_with(kGone)) path.erase(path.size() - kGone.size());
  if (error || !path.starts_with(parent)) return "";
  auto id = path.substr(parent.size());
  return id.find('/') == id.npos ? id : "";
}

}  // namespace

std::optional<LiveMachine> live_machine(pid_t pid, const std::string& vms) {
  struct stat info{};
  if (::stat(fmt::format("/proc/{}", pid).c_str(), &info) < 0 || info.st_uid != ::geteuid()) return std::nullopt;
  // The identity is read first. If the number is given to another process in between, the identity is stale.
  auto process = host::process_id(pid);
  if (!process) return std::nullopt;
  LiveMachine found{.process = *process, .vm_id = vm_id_of(pid, vms), .tokens = {}};
  if (found.vm_id.empty() || !shares_our_mounts(pid)) return std::nullopt;
  for (const auto& word : host::process_argv(pid).value_or(std::vector<std::string>{})) add_tokens(word, found.tokens);
  if (found.tokens.empty()) return std::nullopt;
  return found;
}

std::vector<LiveMachine> live_machines(const std::string& vms) {
  std::vector<LiveMachine> found;
  std::error_code error;
  for (fs::directory_iterator entry("/proc", error), end; !error && entry != end; entry.increment(error)) {
    auto name = entry->path().filename().string();
    pid_t pid = 0;
    auto [rest, parsed] = std::from_chars(name.data(), name.data() + name.size(), pid);
    if (parsed != std::errc{} || rest != name.data() + name.size()) continue;
    if (auto machine = live_machine(pid, vms)) found.push_back(std::move(*machine));
  }
  return found;
}

}  // namespace banger::machine

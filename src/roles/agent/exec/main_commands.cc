#include "roles/agent/exec/main_commands.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cstring>
#include <optional>
#include <string>

#include "base/task.h"
#include "roles/agent/bounds.h"

namespace banger::roles::agent {

namespace {

constexpr int kLastSignal = 64, kLastNamed = 31;
// As C libraries count for programs. The kernel's own SIGRTMIN is lower.
constexpr int kRealTimeMin = 34;

std::optional<int> number_of(std::string_view digits) {
  int number = 0;
  auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  bool whole = error == std::errc() && end == digits.data() + digits.size();
  return whole && number >= 0 && number <= kLastSignal ? std::optional(number) : std::nullopt;
}

std::optional<int> real_time(std::string_view name) {
  if (name == "RTMIN") return kRealTimeMin;
  if (name == "RTMAX") return kLastSignal;
  auto offset = name.size() > 6 ? number_of(name.substr(6)) : std::nullopt;
  if (!offset || *offset > kLastSignal - kRealTimeMin) return std::nullopt;
  if (name.starts_with("RTMIN+")) return kRealTimeMin + *offset;
  if (name.starts_with("RTMAX-")) return kLastSignal - *offset;
  return std::nullopt;
}

bool has_ended(const UniqueFd& process) {
  pollfd ended{.fd = process.get(), .events = POLLIN, .revents = 0};
  return ::poll(&ended, 1, 0) > 0;
}

}  // namespace

int stop_signal(std::string_view name) {
  std::string upper(name);
  std::ranges::transform(upper, upper.begin(), [](unsigned char c) { return std::toupper(c); });
  if (auto number = number_of(upper); number && *number > 0) return *number;
  std::string_view bare = upper;
  if (bare.starts_with("SIG")) bare.remove_prefix(3);
  for (int number = 1; number <= kLastNamed; ++number)
    if (const char* known = ::sigabbrev_np(number); known && bare == known) return number;
  return real_time(bare).value_or(SIGTERM);
}

MainCommands::Entry::Entry(MainCommands& all, const host::Child& child)
    : Entry(all, UniqueFd(::fcntl(child.pidfd(), F_DUPFD_CLOEXEC, 3))) {}

MainCommands::Entry::Entry(MainCommands& all, UniqueFd pidfd) : all_(all) {
  all_.processes_.push_front(std::move(pidfd));
  at_ = all_.processes_.begin();
}

Task<> MainCommands::end(host::Runtime& runtime, int signal, host::Deadline deadline) const {
  for (const auto& process : processes_) (void)::syscall(SYS_pidfd_send_signal, process.get(), signal, nullptr, 0);
  while (!std::ranges::all_of(processes_, has_ended) && host::Clock::now() < deadline)
    co_await runtime.sleep_for(limits::kEndCommandsPoll);
}

}  // namespace banger::roles::agent

#include "machine/vmm_process.h"

#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>

#include "base/text.h"
#include "host/files.h"
#include "machine/bounds.h"

namespace banger::machine {

namespace {

std::uint64_t number_in(std::string_view text) {
  text = trim(text);
  std::uint64_t number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

// utime and stime are fields 14 and 15. Fields are counted after the command name, which may contain any character.
std::uint64_t cpu_time_us(std::string_view stat) {
  auto after_name = stat.rfind(')');
  if (after_name == stat.npos) return 0;
  auto fields = split(stat.substr(after_name + 1), ' ');
  if (fields.size() < 14) return 0;
  auto ticks_per_second = static_cast<std::uint64_t>(::sysconf(_SC_CLK_TCK));
  return (number_in(fields[12]) + number_in(fields[13])) * 1'000'000 / ticks_per_second;
}

// A line like "Pss:      27120 kB".
std::uint64_t kib_line(std::string_view rollup, std::string_view key) {
  for (auto line : split(rollup, '\n'))
    if (line.starts_with(key)) return number_in(line.substr(key.size())) * 1024;
  return 0;
}

}  // namespace

VmmProcess::VmmProcess(host::Child child, const host::ProcessId& id) : pidfd_(child.release()), id_(id) {}

Result<VmmProcess> VmmProcess::adopt(const MachineRecord& record) {
  VmmProcess process(TRY(host::open_process(record.process)), record.process);
  auto argv = TRY(host::process_argv(record.process.pid));
  auto has_token = [&](const std::string& word) { return word.find(record.token) != word.npos; };
  if (record.token.empty() || !std::ranges::any_of(argv, has_token) || process.ended())
    return fail(ErrorCode::not_found, fmt::format("process {} is not the recorded machine", record.process.pid));
  return process;
}

bool VmmProcess::ended() const {
  pollfd wanted{pidfd_.get(), POLLIN, 0};
  return ::poll(&wanted, 1, 0) == 1;
}

Result<> VmmProcess::kill() const {
  if (::syscall(SYS_pidfd_send_signal, pidfd_.get(), SIGKILL, nullptr, 0) < 0 && errno != ESRCH)
    return fail_errno(fmt::format("kill process {}", id_.pid));
  return {};
}

Error VmmProcess::gone() const {
  return {ErrorCode::unavailable, fmt::format("the machine (process {}) has ended", id_.pid)};
}

Task<> VmmProcess::wait_ended(host::Runtime& runtime) const {
  while (!ended()) {
    auto waited = co_await host::wait_readable(runtime, pidfd());
    // Out of descriptors, for now. Try again later.
    if (!waited) co_await runtime.sleep_for(limits::kOutOfDescriptorsPause);
  }
}

Task<Result<>> VmmProcess::kill_and_wait(host::Runtime& runtime) {
  CO_TRY(kill());
  if (!CO_TRY(co_await host::wait_readable(runtime, pidfd(), host::after(limits::kMachineKillDeadline))))
    co_return fail(ErrorCode::timeout, fmt::format("process {} was killed, but has not ended", id_.pid));
  (void)exit_status();  // reaps it
  co_return Result<>();
}

std::optional<host::ExitStatus> VmmProcess::exit_status() {
  if (status_) return status_;
  siginfo_t info{};
  int rc;
  do rc = ::waitid(static_cast<idtype_t>(3 /* P_PIDFD */), static_cast<id_t>(pidfd_.get()), &info, WEXITED | WNOHANG);
  while (rc < 0 && errno == EINTR);
  if (rc < 0 || info.si_pid == 0) return std::nullopt;
  if (info.si_code == CLD_EXITED)
    status_ = {.code = info.si_status};
  else
    status_ = {.signal = info.si_status};
  return status_;
}

Result<MachineStats> VmmProcess::stats() const {
  auto stat = host::read_file(fmt::format("/proc/{}/stat", id_.pid), 4096);
  auto rollup = host::read_file(fmt::format("/proc/{}/smaps_rollup", id_.pid), 16384);
  // This check comes last: until a process has ended, no other process has its number.
  if (ended()) return fail(ErrorCode::not_found, fmt::format("process {} has ended", id_.pid));
  if (!stat) return std::unexpected(std::move(stat).error());
  MachineStats stats{.cpu_time_us = cpu_time_us(*stat)};
  if (rollup) {
    stats.resident_bytes = kib_line(*rollup, "Rss:");
    stats.proportional_bytes = kib_line(*rollup, "Pss:");
  }
  return stats;
}

std::uint64_t VmmProcess::own_memory_bytes() const {
  auto text = host::read_file(fmt::format("/proc/{}/statm", id_.pid), 256);
  if (!text || ended()) return 0;
  auto fields = split(*text, ' ');
  if (fields.size() < 3) return 0;
  auto resident = number_in(fields[1]), of_files = number_in(fields[2]);
  return resident > of_files ? (resident - of_files) * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE)) : 0;
}

void confine_vmm(host::SpawnSpec& spec) {
  spec.no_new_privileges = true;
  spec.limits.push_back({RLIMIT_CORE, 0, 0});
}

}  // namespace banger::machine

#include "machine/console.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>

#include "base/text.h"
#include "host/files.h"
#include "machine/bounds.h"
#include "machine/files.h"

namespace banger::machine {

namespace {

std::string console_of(const std::string& directory) { return fmt::format("{}/{}", directory, kConsoleLog); }

// The end of the console, without the output of earlier machines. A console that was cut begins anew.
std::string tail_of(const MachineRecord& record, std::size_t max_bytes) {
  auto file = host::open_file(console_of(record.directory), O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  off_t size = file ? ::lseek(file->get(), 0, SEEK_END) : -1;
  if (size < 0) return {};
  auto from = static_cast<off_t>(record.console_from);
  if (from > size) from = 0;
  from = std::max(from, size - static_cast<off_t>(max_bytes));
  std::string tail(static_cast<std::size_t>(size - from), '\0');
  ssize_t got = ::pread(file->get(), tail.data(), tail.size(), from);
  tail.resize(static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
  return tail;
}

std::string last_line(const MachineRecord& record) {
  auto console = tail_of(record, limits::kHaltLineBytes);
  auto last = trim(console);
  if (auto end = last.rfind('\n'); end != last.npos) last.remove_prefix(end + 1);
  return std::string(last);
}

}  // namespace

std::uint64_t console_size(const std::string& directory) {
  auto file = host::open_file(console_of(directory), O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  off_t size = file ? ::lseek(file->get(), 0, SEEK_END) : 0;
  return static_cast<std::uint64_t>(std::max<off_t>(size, 0));
}

bool has_halted(const MachineRecord& record) {
  auto last = last_line(record);
  // A time may precede the message. Kernels print the second message since 6.10.
  return last.ends_with("reboot: System halted") ||
         last.ends_with("reboot: Power off not available: System halted instead");
}

std::string panic_of(const MachineRecord& record) {
  constexpr std::string_view kPanic = "Kernel panic - not syncing: ";
  auto console = tail_of(record, limits::kPanicTailBytes);
  auto at = console.rfind(kPanic);
  if (at == console.npos) return {};
  auto line = std::string_view(console).substr(at + kPanic.size());
  return printable(trim(line.substr(0, line.find('\n'))), limits::kLastWordsLineBytes);
}

std::optional<MachineExit> end_on_console(const MachineRecord& record) {
  auto last = last_line(record);
  // `reboot ARGUMENT` adds the argument to the line.
  if (last.find("reboot: Restarting system") != last.npos || last.ends_with("reboot: machine restart"))
    return end_of_reset(record);
  if (last.ends_with("reboot: Power down") || has_halted(record))
    return MachineExit{.guest_initiated = true, .reason = "guest-shutdown"};
  if (!panic_of(record).empty()) return end_of_reset(record);
  return std::nullopt;
}

MachineExit end_of_reset(const MachineRecord& record) {
  auto panic = panic_of(record);
  if (panic.empty()) return {.guest_initiated = true, .reason = "guest-reset"};
  return {.guest_initiated = false, .reason = fmt::format("kernel panic: {}", panic)};
}

}  // namespace banger::machine

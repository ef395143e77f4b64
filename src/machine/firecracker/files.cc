#include "machine/firecracker/files.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include "base/bounds.h"
#include "base/text.h"
#include "host/files.h"
#include "machine/bounds.h"
#include "machine/firecracker/firecracker.h"
#include "machine/firecracker/metrics.h"
#include "machine/firecracker/requests.h"
#include "machine/initrd.h"
#include "machine/machine_log.h"

namespace banger::machine::firecracker {

namespace {

std::string in_directory(const std::string& directory, std::string_view name) {
  return fmt::format("{}/{}", directory, name);
}

// Every machine that continues from one saved state uses the same drive names. Each machine's links lead to its own
// files.
Result<> link_drives(const MachineConfig& config) {
  for (std::size_t i = 0; i < config.drives.size(); ++i) {
    auto link = in_directory(config.directory, drive_name(i));
    TRY(host::remove_file(link));
    if (::symlink(config.drives[i].path.c_str(), link.c_str()) < 0) return fail_errno(link);
  }
  // No link of an earlier start with more drives follows, so that drives can be counted.
  return host::remove_file(in_directory(config.directory, drive_name(config.drives.size())));
}

// A new log for each start: Firecracker would write over the beginning of an existing one.
Result<> make_log(const std::string& directory) {
  auto path = in_directory(directory, kFirecrackerLog);
  TRY(host::remove_file(path));
  TRY(host::open_file(path, O_WRONLY | O_CREAT | O_EXCL, 0600));
  return {};
}

std::string read_log(const std::string& directory) { return read_tail(in_directory(directory, kFirecrackerLog)); }

}  // namespace

Result<> prepare_files(const MachineConfig& config) {
  for (auto name : {kApiSocket, kVsockSocket}) TRY(host::remove_file(in_directory(config.directory, name)));
  TRY(make_log(config.directory));
  TRY(remove_metrics(config.directory));
  if (config.metrics) TRY(make_metrics_file(config.directory));
  TRY(link_drives(config));
  if (config.restore) return {};
  return write_initrd(config.initrds, in_directory(config.directory, kInitrdFile));
}

void remove_sockets(const std::string& directory) {
  for (auto name : {kApiSocket, kVsockSocket}) (void)host::remove_file(in_directory(directory, name));
}

bool ended_cleanly(const std::string& directory) {
  return read_log(directory).find("exiting successfully") != std::string::npos;
}

std::string last_log_lines(const std::string& directory) { return last_lines(read_log(directory)); }

// "2026-01-31T10:00:00.123 [anonymous-instance:fc_vcpu 0:ERROR] Received KVM_EXIT_INTERNAL_ERROR signal"
std::string first_log_error(const std::string& directory) {
  constexpr std::string_view kLevel = "ERROR";
  auto log = read_log(directory);
  for (auto line : split(log, '\n')) {
    auto level = line.find(kLevel);
    if (level == line.npos) continue;
    auto words = line.substr(level + kLevel.size());
    if (auto origin_end = words.find("] "); origin_end != words.npos) words.remove_prefix(origin_end + 2);
    if (!words.starts_with("Firecracker exiting")) return printable(trim(words), limits::kLastWordsLineBytes);
  }
  return {};
}

}  // namespace banger::machine::firecracker

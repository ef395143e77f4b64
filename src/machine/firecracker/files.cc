#include "machine/firecracker/files.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include "base/bounds.h"
#include "base/text.h"
#include "host/files.h"
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
  return {};
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

bool has_halted(const std::string& directory) {
  auto console = read_tail(in_directory(directory, kConsoleLog));
  auto last = trim(console);
  if (auto end = last.rfind('\n'); end != last.npos) last.remove_prefix(end + 1);
  // A time may precede the message. Kernels print the second message since 6.10.
  return last.ends_with("reboot: System halted") ||
         last.ends_with("reboot: Power off not available: System halted instead");
}

std::string last_log_lines(const std::string& directory) { return last_lines(read_log(directory)); }

}  // namespace banger::machine::firecracker

// Finds out whether KVM runs guests under Firecracker, by running one (machine/probe_guest.h). Firecracker takes its
// whole configuration from a file, and its standard output is the guest's console (docs/getting-started.md there).
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "base/json.h"
#include "base/text.h"
#include "host/files.h"
#include "machine/bounds.h"
#include "machine/firecracker/firecracker.h"
#include "machine/vmm_binary.h"
#include "machine/vmm_process.h"

namespace banger::machine::firecracker {

namespace {

std::string probe_config(const std::string& kernel, const std::string& initrd) {
  return dump_json({{"boot-source",
                     {{"kernel_image_path", kernel},
                      {"initrd_path", initrd},
                      {"boot_args", "console=ttyS0 quiet reboot=k panic=-1 i8042.noaux i8042.nomux i8042.dumbkbd"}}},
                    {"drives", Json::array()},
                    {"machine-config", {{"vcpu_count", 1}, {"mem_size_mib", 256}}}});
}

}  // namespace

Task<KvmVerdict> probe_kvm(host::Runtime& runtime, const FirecrackerFacts& facts, const std::string& kernel,
                           const std::string& scratch_directory) {
  auto initrd = scratch_directory + "/kvm-probe.img", config = scratch_directory + "/kvm-probe.json";
  auto written = host::write_file(initrd, probe_archive());
  if (written) written = host::write_file(config, probe_config(kernel, initrd));
  if (!written) co_return KvmVerdict{.reason = written.error().message};
  auto verdict = co_await run_probe(runtime, {facts.binary, "--no-api", "--config-file", config},
                                    limits::kKvmProbeDeadline, confine_vmm);
  (void)host::remove_file(initrd);
  (void)host::remove_file(config);
  co_return verdict;
}

std::string key_of_probe(const FirecrackerFacts& facts, const std::string& kernel) {
  auto boot = host::read_file("/proc/sys/kernel/random/boot_id", 256).value_or("");
  return host::sha256_hex(fmt::format("firecracker\n{}\n{}\n{}\n", trim(boot), facts.sha256, file_key(kernel)));
}

}  // namespace banger::machine::firecracker

#include "machine/firecracker/requests.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/bounds.h"
#include "base/json.h"
#include "machine/firecracker/bounds.h"
#include "machine/firecracker/firecracker.h"

namespace banger::machine::firecracker {

namespace {

constexpr int kGuestCid = 3;  // the first that is not reserved; each machine has its own vsock, so all can use the same

ApiRequest put(std::string path, const Json& body) { return {"PUT", std::move(path), dump_json(body)}; }
ApiRequest patch(std::string path, const Json& body) { return {"PATCH", std::move(path), dump_json(body)}; }

std::string kernel_arguments(const MachineConfig& config) {
  // These arguments replace Firecracker's own, with their nomodule, which would keep a distribution's kernel from its
  // drivers. The reset by the keyboard controller ends the process. There is no mouse and no second port to wait for.
  std::string text = config.console ? "console=ttyS0" : "8250.nr_uarts=0";
  text += " quiet reboot=k panic=1 i8042.noaux i8042.nomux i8042.dumbkbd";
  if (!config.cmdline.empty()) text += " " + config.cmdline;
  return text;
}

ApiRequest machine_config(const MachineConfig& config) {
  return put("/machine-config", {{"vcpu_count", config.vcpus},
                                 {"mem_size_mib", config.memory_bytes / limits::kMiB},
                                 {"smt", false},
                                 {"track_dirty_pages", false}});
}

ApiRequest boot_source(const MachineConfig& config) {
  Json body = {{"kernel_image_path", config.kernel}, {"boot_args", kernel_arguments(config)}};
  if (!config.initrds.empty()) body["initrd_path"] = kInitrdFile;
  return put("/boot-source", body);
}

// A bucket without tokens stands for no limit, also in place of an earlier one.
Json bucket(std::uint64_t limit, std::size_t drives) {
  if (limit == 0) return {{"size", 0}, {"refill_time", 0}};
  return {{"size", std::max<std::uint64_t>(limit / drives, 1)}, {"refill_time", 1000}};
}

// Firecracker limits each drive on its own. With equal shares, all drives together keep to the limit.
Json rate_limiter(const DiskLimits& limits, std::size_t drives) {
  return {{"bandwidth", bucket(limits.bytes, drives)}, {"ops", bucket(limits.operations, drives)}};
}

ApiRequest add_drive(const MachineConfig& config, std::size_t index) {
  const auto& drive = config.drives[index];
  auto name = drive_name(index);
  // No drive is the root device: Firecracker would move it to the front and name it to the kernel. Without Writeback, a
  // flush by the guest would not flush.
  Json body = {{"drive_id", name},
               {"path_on_host", name},
               {"is_root_device", false},
               {"is_read_only", drive.read_only},
               {"cache_type", drive.read_only ? "Unsafe" : "Writeback"}};
  if (config.disk_limits != DiskLimits{}) body["rate_limiter"] = rate_limiter(config.disk_limits, config.drives.size());
  return put("/drives/" + name, body);
}

ApiRequest write_metrics() { return put("/metrics", {{"metrics_path", kMetricsFile}}); }

// A balloon that is never inflated. The guest reports pages when it frees them, and the host gets them back. There are
// no statistics of the guest's memory: the agent has them, and can read them without a wake-up of the guest.
ApiRequest report_free_pages() {
  return put(
      "/balloon",
      {{"amount_mib", 0}, {"deflate_on_oom", true}, {"stats_polling_interval_s", 0}, {"free_page_reporting", true}});
}

}  // namespace

std::string drive_name(std::size_t index) { return fmt::format("disk{}", index); }

Result<std::vector<Tap>> taps_of(const MachineConfig& config) {
  for (const auto& nic : config.nics)
    if (!nic.restrict_outside || !nic.forwards.empty())
      return fail(ErrorCode::unsupported,
                  "Firecracker has no user-mode network, so its guests need a network device of the host",
                  "use bridge networking, set machine = \"qemu\", or make the VM with --no-nat");
  std::vector<Tap> taps;
  for (const auto& tap : config.taps)
    taps.push_back({.iface_id = fmt::format("net{}", taps.size()), .host_dev_name = tap.device, .mac = tap.mac});
  return taps;
}

Result<> check(const MachineConfig& config) {
  if (config.vcpus < 1 || config.vcpus > limits::kFirecrackerVcpus)
    return fail(ErrorCode::invalid,
                fmt::format("{} processors: Firecracker supports 1 to {}", config.vcpus, limits::kFirecrackerVcpus));
  if (kernel_arguments(config).size() > limits::kFirecrackerCmdlineBytes)
    return fail(ErrorCode::invalid,
                fmt::format("the kernel's command line is longer than {} bytes", limits::kFirecrackerCmdlineBytes));
  return {};
}

ApiRequest add_tap(const Tap& tap) {
  return put("/network-interfaces/" + tap.iface_id,
             {{"iface_id", tap.iface_id}, {"host_dev_name", tap.host_dev_name}, {"guest_mac", tap.mac}});
}

ApiRequest pause_vm() { return patch("/vm", {{"state", "Paused"}}); }
ApiRequest resume_vm() { return patch("/vm", {{"state", "Resumed"}}); }

ApiRequest action(std::string_view name) { return put("/actions", {{"action_type", name}}); }

ApiRequest create_snapshot(const SavedState& to) {
  return put("/snapshot/create",
             {{"snapshot_type", "Full"}, {"snapshot_path", to.devices}, {"mem_file_path", to.memory}});
}

ApiRequest reopen_drive(std::size_t index) {
  auto name = drive_name(index);
  return patch("/drives/" + name, {{"drive_id", name}, {"path_on_host", name}});
}

std::vector<ApiRequest> limit_drives(const DiskLimits& limits, std::size_t drives) {
  std::vector<ApiRequest> requests;
  for (std::size_t i = 0; i < drives; ++i)
    requests.push_back(patch("/drives/" + drive_name(i),
                             {{"drive_id", drive_name(i)}, {"rate_limiter", rate_limiter(limits, drives)}}));
  return requests;
}

std::vector<ApiRequest> boot_requests(const MachineConfig& config, const std::vector<Tap>& taps,
                                      const Version& version) {
  std::vector<ApiRequest> requests;
  if (config.metrics) requests.push_back(write_metrics());
  requests.push_back(machine_config(config));
  requests.push_back(boot_source(config));
  for (std::size_t i = 0; i < config.drives.size(); ++i) requests.push_back(add_drive(config, i));
  for (const auto& tap : taps) requests.push_back(add_tap(tap));
  requests.push_back(put("/vsock", {{"guest_cid", kGuestCid}, {"uds_path", kVsockSocket}}));
  requests.push_back(put("/entropy", Json::object()));
  if (reports_free_pages(version)) requests.push_back(report_free_pages());
  requests.push_back(action("InstanceStart"));
  return requests;
}

Result<std::vector<ApiRequest>> restore_requests(const MachineConfig& config, const std::vector<Tap>& taps,
                                                 const Version& version) {
  const auto& from = *config.restore;
  // The agent sets the clock, exactly, with the rest of the identity. clock_realtime exists only in some versions and
  // on some host kernels, so it would be one more reason for a load to fail.
  Json body = {{"snapshot_path", from.devices},
               {"mem_backend", {{"backend_type", "File"}, {"backend_path", from.memory}}},
               {"resume_vm", false}};
  if (!taps.empty() && !has_network_overrides(version))
    return fail(ErrorCode::unsupported,
                fmt::format("Firecracker {} cannot give a saved machine another network device", to_string(version)),
                "install Firecracker 1.12 or later");
  for (const auto& tap : taps)
    body["network_overrides"].push_back({{"iface_id", tap.iface_id}, {"host_dev_name", tap.host_dev_name}});
  std::vector<ApiRequest> requests;
  // Not part of the saved state. Not part of the boot requests either, after which nothing can be loaded.
  if (config.metrics) requests.push_back(write_metrics());
  requests.push_back(put("/snapshot/load", body));
  if (config.disk_limits != from.disk_limits)
    for (auto& request : limit_drives(config.disk_limits, config.drives.size())) requests.push_back(std::move(request));
  return requests;
}

}  // namespace banger::machine::firecracker

// VMs, as the daemon describes them.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "api/object.h"
#include "api/objects/image.h"
#include "vm/state.h"

namespace banger::api {

struct StageObject {
  std::string name;
  double ms = 0;
  static const Object kObject;
};

/// Without the value, which nobody gets back.
struct SecretObject {
  std::string name;
  std::vector<std::string> hosts;
  bool available = false;
  static const Object kObject;
};

/// Sums since the machine was started, by their names in docs/rpc.md.
using Metrics = std::map<std::string, std::uint64_t, std::less<>>;

struct VmObject {
  std::string id;
  std::string name;
  vm::State state = vm::State::stopped;
  std::string image;
  std::string image_id;
  std::string kernel;
  std::uint32_t vcpus = 0;
  std::uint64_t memory_bytes = 0;
  std::uint64_t disk_bytes = 0;
  std::uint64_t system_bytes = 0;
  bool nat = false;
  std::string egress;
  std::optional<std::vector<std::string>> allow;
  std::optional<std::vector<SecretObject>> secrets;
  std::string network;
  std::string storage;
  std::uint32_t disk_iops = 0;
  std::uint64_t disk_bandwidth_bytes = 0;
  std::uint64_t net_bandwidth_bytes = 0;
  std::uint32_t pids = 0;
  std::string address;
  std::map<std::string, std::string> labels;
  std::vector<std::string> publish;
  std::optional<std::vector<std::string>> publish_problems;
  std::string restart;
  bool autostart = false;
  std::int64_t created_at = 0;
  std::int64_t started_at = 0;
  std::string machine;
  std::string machine_reason;
  std::string accelerator;
  std::optional<std::int64_t> pid;
  bool agent_ready = false;
  bool system_ready = false;
  std::string paused;
  bool silent = false;
  std::string last_error;
  std::string ended;
  std::int64_t ended_at = 0;
  std::uint64_t disk_used_bytes = 0;
  std::string directory;
  std::string started_from;
  std::string template_id;
  bool ephemeral = false;
  std::optional<Metrics> metrics;
  std::vector<StageObject> stages;
  std::optional<std::vector<std::string>> restart_needed;
  std::optional<std::string> forced;
  std::optional<RunConfigObject> config;
  static const Object kObject;
};

struct VmList {
  std::vector<VmObject> vms;
  std::optional<std::vector<std::string>> warnings;
  static const Object kObject;
};

struct ForkResult {
  std::vector<VmObject> vms;
  double pause_ms = 0;
  static const Object kObject;
};

struct VmStats {
  double cpu_percent = 0;
  double load1 = 0;
  std::uint64_t memory_used_bytes = 0;
  std::uint64_t memory_total_bytes = 0;
  std::uint64_t disk_read_bytes = 0;
  std::uint64_t disk_written_bytes = 0;
  std::uint64_t net_received_bytes = 0;
  std::uint64_t net_sent_bytes = 0;
  std::int64_t uptime_ms = 0;
  std::optional<std::uint64_t> host_resident_bytes;
  std::optional<std::uint64_t> host_pss_bytes;
  std::optional<std::uint64_t> host_cpu_time_us;
  std::optional<Metrics> metrics;
  static const Object kObject;
};

/// The id and name of a thing: the result of a deletion, and the VM of a stream.
struct Named {
  std::string id;
  std::string name;
  static const Object kObject;
};

}  // namespace banger::api

// The user's settings: one TOML file in which every key is optional. No key is ignored silently. schema.h lists the
// keys.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/log.h"
#include "base/result.h"
#include "config/bounds.h"
#include "config/choices.h"
#include "vm/network.h"
#include "vm/storage.h"

namespace banger::config {

/// Sizes of new VMs. resolve_defaults (defaults.h) computes the unset ones.
struct VmDefaults {
  std::optional<std::uint32_t> vcpus;
  std::optional<std::uint64_t> memory_bytes;
  std::optional<std::uint64_t> disk_bytes;    ///< work disk: /root
  std::optional<std::uint64_t> system_bytes;  ///< system disk: all writes outside /root
  std::uint32_t disk_iops = 0;                ///< this limit, and the next ones: 0 is none (vm::Spec)
  std::uint64_t disk_bandwidth_bytes = 0;
  std::uint64_t net_bandwidth_bytes = 0;
  std::uint32_t pids = 0;
};

/// A host file or directory that is copied below /root of guests.
struct FileSync {
  std::string host;            ///< absolute, or "~/…", without ".." parts
  std::string guest;           ///< relative to /root, plain: "a/b"
  std::optional<mode_t> mode;  ///< of a file; nullopt: limits::kSyncedFileMode
};

/// Where a secret goes, and where its value comes from: at most one of the last three is not empty.
struct SecretSource {
  std::vector<std::string> hosts;  ///< not checked here
  std::string file;                ///< absolute, or "~/…"
  std::string command;             ///< of /bin/sh
  std::string env;                 ///< a variable of the client
};

/// The members' initial values are the schema's defaults (a test compares them).
struct Config {
  LogLevel log_level = LogLevel::info;
  MachineChoice machine = MachineChoice::automatic;
  std::string qemu_bin;  ///< a name to look up in PATH or an absolute path; empty: the machine driver's own choice
  std::string firecracker_bin, jailer_bin;
  bool jailer_enabled = false;
  vm::Storage storage = vm::Storage::overlay;
  std::string ssh_key_path;  ///< absolute, or "~/…"; empty: banger's own key
  std::string default_image_name = "debian-bookworm";
  std::string default_registry = "docker.io";
  std::vector<std::string> insecure_registries;
  std::string catalog;      ///< a path or a URL; empty: the compiled-in catalog
  std::string catalog_key;  ///< base64 of an Ed25519 public key; empty: signatures are not looked at
  std::uint64_t max_image_bytes = limits::kMaxImageBytes;  ///< unpacked layers of a pulled image
  std::chrono::milliseconds ready_timeout = limits::kAgentReadyDeadline;
  std::string web_listen_addr;                         ///< empty: no web interface
  std::chrono::milliseconds auto_stop_stale_after{0};  ///< zero: never
  StopAction auto_stop_action = StopAction::stop;
  std::chrono::milliseconds stats_poll_interval{std::chrono::seconds(10)};
  std::chrono::milliseconds metrics_poll_interval{std::chrono::seconds(60)};
  vm::NetworkChoice network = vm::NetworkChoice::automatic;
  std::string default_egress = "open";
  bool guest_link_local = false;  ///< guests reach 169.254.0.0/16
  ProxyChoice proxy = ProxyChoice::none;
  bool guest_lan = false;  ///< guests of a private network reach net::kLanRanges
  std::string bridge_name = "br-banger";
  std::string bridge_ip = "172.16.0.1";
  std::uint32_t cidr = 24;  ///< length of the bridge network's prefix
  std::uint32_t tap_pool_size = 4;
  std::string default_dns = "1.1.1.1";
  std::string dns_listen_addr = "127.0.0.1:42069";  ///< of the daemon's own DNS server; empty: none
  bool auto_forward = true;                         ///< forward each TCP port of a guest to the VM's loopback address
  bool auto_wake = true;                            ///< who needs the guest of a suspended VM resumes it
  bool forward_loopback = false;                    ///< also forward ports on a guest's loopback addresses only
  ForwardClients forward_clients = ForwardClients::owner;
  bool templates = true;  ///< clone new VMs from templates
  std::uint32_t pool_size = 1;
  std::chrono::milliseconds pool_idle{std::chrono::minutes(10)};
  std::uint32_t memory_overcommit = 100;  ///< percent
  std::string guest_timezone;             ///< a name, or "host"; empty: what the image has
  std::string guest_locale;               ///< likewise
  bool guest_git_identity = false;        ///< git in guests has the owner's name and address
  VmDefaults vm_defaults;
  std::vector<FileSync> file_sync;
  std::map<std::string, std::vector<std::string>> egress_policies;  ///< rules by the name; not checked here
  std::map<std::string, SecretSource> secrets;                      ///< by the variable's name
};

/// The settings in `path`; all defaults when the file does not exist. Errors begin with `path:line: ` and are
/// `invalid`, or `unsupported` for a key or value whose feature is not in this version.
Result<Config> load_config(const std::string& path);

/// The same for text that was read from `path`. Any bytes are safe.
Result<Config> parse_config(std::string_view text, const std::string& path);

}  // namespace banger::config

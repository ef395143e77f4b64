// What a user requests of a VM and what is recorded. Pure values and their checks.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "vm/network.h"
#include "vm/published_port.h"
#include "vm/restart.h"
#include "vm/secret.h"
#include "vm/storage.h"

namespace banger::vm {

/// The egress policies that need no config. All other names are policies of the config.
inline constexpr std::string_view kOpenEgress = "open", kNoEgress = "none";

/// The user's wishes with every default resolved. Sizes are the guest's view.
struct Spec {
  std::string image;   ///< image name or id
  std::string kernel;  ///< kernel name; empty: the image's own choice
  std::uint32_t vcpus = 1;
  std::uint64_t memory_bytes = 0;
  std::uint64_t disk_bytes = 0;    ///< work disk: /root
  std::uint64_t system_bytes = 0;  ///< system disk: all writes outside /root
  bool nat = true;                 ///< the guest can reach hosts outside
  Network network = Network::user;
  Storage storage = Storage::overlay;
  std::map<std::string, std::string> environment;
  std::map<std::string, std::string> labels;
  std::vector<PublishedPort> publish;
  Restart restart = Restart::no;
  bool autostart = false;                  ///< runs whenever the daemon does
  std::string egress{kOpenEgress};         ///< what the guest may reach outside: open, none, or a policy of the config
  std::vector<std::string> allow;          ///< hosts that it may reach all the same, as HOST[:PORT] (egress/rule.h)
  std::uint32_t disk_iops = 0;             ///< operations a second of all disks together; 0: no limit, as for the next
  std::uint64_t disk_bandwidth_bytes = 0;  ///< bytes a second of all disks together
  std::uint64_t net_bandwidth_bytes = 0;   ///< bytes a second that the guest sends, and that it receives
  std::uint32_t pids = 0;                  ///< processes and threads of one command, session or login
  std::vector<Secret> secrets;             ///< what the gate puts into requests; the values are elsewhere
};
/// Whether the guest's root is the system disk alone, a plain ext4. Otherwise the root is the system disk over the
/// image.
inline bool has_plain_root(const Spec& spec) { return spec.storage != Storage::overlay; }
/// Whether the guest has a way to hosts outside. The user network knows no rules, so its policy is open or none.
inline bool reaches_outside(const Spec& spec) {
  return spec.nat && !(spec.network == Network::user && spec.egress == "none");
}
/// Both use the table of fields.h.
Json to_json(const Spec& spec);
Result<Spec> spec_from_json(const Json& json);

/// The name of a VM is the host name of its guest. `[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?`, but no name that resolves as
/// an address (digits only, or hex as in 0x1) or as the loopback. The error says which rule is broken.
Result<> check_name(std::string_view name);
/// `[a-z0-9][a-z0-9-]{0,62}`. A snapshot's name is no host name.
Result<> check_snapshot_name(std::string_view name);

/// `[a-z0-9][a-z0-9-]{0,62}`, of an egress policy.
Result<> check_policy_name(std::string_view name);

/// For checks against the limits of base/bounds.h and the host's own memory and processors.
struct HostSize {
  std::uint32_t cpus = 1;
  std::uint64_t memory_bytes = 0;
};
/// A guest boots with every environment that passes (guestcfg/environment.h). Of the egress policy, only the sizes are
/// checked: the rules and the policies of the config are known elsewhere (capabilities/egress_policy.h).
Result<> check_spec(const Spec& spec, const HostSize& host);

/// `spec: 4 vcpu · 8G memory · 8G disk`
std::string spec_line(const Spec& spec);

}  // namespace banger::vm

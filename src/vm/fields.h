// The fields of a VM's spec, once. This table decides their JSON, the parameters of methods, and the options of
// commands. It also decides which changes need a restart, what belongs to a template, and what a snapshot determines.
//
// To add a field, add a member to Spec and a row here, then use the member.
#pragma once

#include <algorithm>
#include <array>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "vm/spec.h"

namespace banger::vm {

/// The type of the value that a user gives.
enum class FieldType {
  image,   ///< an image's name
  kernel,  ///< a kernel's name
  count,
  size,    ///< bytes; a bare number on the command line is MiB
  memory,  ///< the same, in whole MiB
  limit,   ///< a count; 0: no limit
  rate,    ///< bytes a second; 0: no limit
  flag,
  choice,   ///< one of Field::choices
  pairs,    ///< texts by their keys
  ports,    ///< a list of published ports, as texts
  policy,   ///< an egress policy's name
  rules,    ///< a list of hosts, as texts
  secrets,  ///< a list of names with hosts, as texts
};

/// What a record without the field means.
enum class Absent {
  initial,  ///< the initial value of Spec: the field is younger than old records
  invalid,
};

/// When a change takes effect.
enum class Change {
  never,  ///< the field cannot be changed
  at_once,
  at_start,
  at_start_unless_taken,  ///< at the next start, unless the VM's host resources apply the change at once
};

/// Whether a VM that is made from a snapshot takes the value from the snapshot.
enum class FromSnapshot {
  no,
  with_memory,  ///< if the snapshot has memory
  always,
};

/// How the value relates to the template that a VM is cloned from.
enum class InTemplate {
  no,    ///< each clone has its own
  part,  ///< the template's VM has it too
  key,   ///< part of the template's key: each value has a template of its own
};

/// What a person reads about the field, for a new VM and for a change. An empty second text means the first text.
struct Texts {
  std::string_view create, set = {};
  constexpr std::string_view for_set() const { return set.empty() ? create : set; }
};

struct Field {
  std::string_view name;  ///< in JSON
  std::variant<std::string Spec::*, std::uint32_t Spec::*, std::uint64_t Spec::*, bool Spec::*, Network Spec::*,
               Storage Spec::*, std::map<std::string, std::string> Spec::*, std::vector<PublishedPort> Spec::*,
               Restart Spec::*, std::vector<std::string> Spec::*, std::vector<Secret> Spec::*>
      member;
  FieldType type;
  std::span<const std::string_view> choices = {};  ///< a user's choices; the daemon may resolve one to another
  Absent absent = Absent::initial;
  std::string_view option = {};      ///< on the command line, without the dashes; empty: each command decides
  Texts option_help = {};            ///< no full stop
  Texts doc;                         ///< of the parameter, sentences without the last full stop
  std::string_view initial = {};     ///< the default in JSON, where the config has none
  std::string_view config_key = {};  ///< the default's key in the config
  Change change = Change::never;
  FromSnapshot from_snapshot = FromSnapshot::no;
  InTemplate in_template = InTemplate::no;

  constexpr bool has_option() const { return !option.empty(); }
  constexpr bool can_change() const { return change != Change::never; }
  /// The value is a list of texts.
  constexpr bool is_list() const {
    return type == FieldType::ports || type == FieldType::rules || type == FieldType::secrets;
  }
  constexpr bool is_number() const {
    return type == FieldType::count || type == FieldType::size || type == FieldType::memory || is_limit();
  }
  constexpr bool is_limit() const { return type == FieldType::limit || type == FieldType::rate; }
  /// host.defaults gives its default.
  constexpr bool in_host_defaults() const { return (is_number() && !is_limit()) || type == FieldType::image; }
};

inline constexpr auto kNetworkChoices = texts_of(kNetworkChoiceWords);
inline constexpr auto kRestartChoices = texts_of(kRestartWords);
inline constexpr auto kStorageChoices = texts_of(kStorageWords);

inline constexpr Field kFields[] = {
    {.name = "image",
     .member = &Spec::image,
     .type = FieldType::image,
     .absent = Absent::invalid,
     .option = "image",
     .option_help = {"what it boots from"},
     .doc = {"The name or id of the image. The default is that of `host.defaults`"},
     .config_key = "default_image_name",
     .from_snapshot = FromSnapshot::always,
     .in_template = InTemplate::part},
    {.name = "kernel",
     .member = &Spec::kernel,
     .type = FieldType::kernel,
     .option = "kernel",
     .option_help = {"boot this kernel instead of the image's own"},
     .doc = {"The name of the kernel. By default, the image's own choice"},
     .from_snapshot = FromSnapshot::always,
     .in_template = InTemplate::part},
    {.name = "vcpus",
     .member = &Spec::vcpus,
     .type = FieldType::count,
     .absent = Absent::invalid,
     .option = "vcpu",
     .option_help = {"processors"},
     .doc = {"Virtual processors. The default is that of `host.defaults`", "Virtual processors"},
     .config_key = "vm_defaults.vcpu",
     .change = Change::at_start,
     .from_snapshot = FromSnapshot::with_memory,
     .in_template = InTemplate::key},
    {.name = "memory_bytes",
     .member = &Spec::memory_bytes,
     .type = FieldType::memory,
     .absent = Absent::invalid,
     .option = "memory",
     .option_help = {"memory, as 1.5G or 512M; a bare number is MiB"},
     .doc = {"Memory. The default is that of `host.defaults`", "Memory"},
     .config_key = "vm_defaults.memory",
     .change = Change::at_start,
     .from_snapshot = FromSnapshot::with_memory,
     .in_template = InTemplate::key},
    {.name = "disk_bytes",
     .member = &Spec::disk_bytes,
     .type = FieldType::size,
     .absent = Absent::invalid,
     .option = "disk-size",
     .option_help = {"room in /root, as 8G; a bare number is MiB", "room in /root; it can only grow"},
     .doc = {"The size of the work disk. The default is that of `host.defaults`",
             "The size of the work disk. A disk can only grow"},
     .config_key = "vm_defaults.disk_size",
     .change = Change::at_start,
     .in_template = InTemplate::key},
    {.name = "system_bytes",
     .member = &Spec::system_bytes,
     .type = FieldType::size,
     .absent = Absent::invalid,
     .option = "system-size",
     .option_help = {"room for changes outside /root, as 8G; a bare number is MiB",
                     "room for changes outside /root; it can only grow"},
     .doc = {"The size of the system disk. The default is that of `host.defaults`",
             "The size of the system disk. A disk can only grow"},
     .config_key = "vm_defaults.system_size",
     .change = Change::at_start,
     .in_template = InTemplate::key},
    {.name = "nat",
     .member = &Spec::nat,
     .type = FieldType::flag,
     .option = "nat",
     .option_help = {"let it reach the network, or not (default: it may)", "let it reach the network, or not"},
     .doc = {"Whether the guest can reach hosts outside",
             "Whether the guest can reach hosts outside. On a bridge, the change takes effect at once"},
     .initial = "true",
     .change = Change::at_start_unless_taken},
    {.name = "egress",
     .member = &Spec::egress,
     .type = FieldType::policy,
     .option = "egress",
     .option_help = {"what it may reach outside: open, none, or a policy of the config"},
     .doc =
         {"What the guest may reach outside: `open`, `none`, or the name of a policy of the config. Without it, a list "
          "`allow` turns `open` into `none`. The default is that of the config",
          "What the guest may reach outside: `open`, `none`, or the name of a policy of the config. Without it, a list "
          "`allow` turns `open` into `none`. On a bridge, the change takes effect at once"},
     .config_key = "default_egress",
     .change = Change::at_start_unless_taken},
    {.name = "allow",
     .member = &Spec::allow,
     .type = FieldType::rules,
     .option = "allow",
     .option_help = {"a host it may reach all the same: NAME, *.NAME, ADDRESS or CIDR, with :PORT or :PORT-PORT if you "
                     "like; may be repeated",
                     "the hosts it may reach all the same from now on, instead of those it has; may be repeated"},
     .doc =
         {"Hosts that the guest may reach all the same. Each is `NAME`, `*.NAME`, `ADDRESS` or `CIDR`, which `:PORT` "
          "or "
          "`:PORT-PORT` may follow",
          "All hosts that the guest may reach all the same. Hosts that are not named go. On a bridge, the change takes "
          "effect at once"},
     .change = Change::at_start_unless_taken},
    {.name = "secrets",
     .member = &Spec::secrets,
     .type = FieldType::secrets,
     .option = "secret",
     .option_help = {"let the gate put the value of your variable NAME into requests to these hosts; the guest gets a "
                     "placeholder in NAME; may be repeated",
                     "its secrets from now on, instead of those it has; may be repeated"},
     .doc = {"Secrets that the gate of the egress policy puts into requests in place of their placeholders. Each is "
             "`NAME@HOST` or `NAME@HOST,HOST`, or `NAME` for the hosts that the config has. The policy must name "
             "each host",
             "All secrets. Secrets that are not named go. The change takes effect at once"},
     .change = Change::at_start_unless_taken},
    // At boot, a guest and its network device agree on offloads, which only taps have.
    {.name = "network",
     .member = &Spec::network,
     .type = FieldType::choice,
     .choices = kNetworkChoices,
     .option = "network",
     .option_help = {"behind its own machine (user), or with an address on the host's bridge"},
     .doc = {"The kind of network. The default is that of the config"},
     .config_key = "network",
     .from_snapshot = FromSnapshot::with_memory,
     .in_template = InTemplate::key},
    {.name = "storage",
     .member = &Spec::storage,
     .type = FieldType::choice,
     .choices = kStorageChoices,
     .option = "storage",
     .option_help = {"its root: the image with its own disk over it, a copy of the image, or a snapshot of it by the "
                     "host's kernel"},
     .doc = {"The kind of system disk. The default is that of the config"},
     .config_key = "storage",
     .from_snapshot = FromSnapshot::always,
     .in_template = InTemplate::key},
    {.name = "disk_iops",
     .member = &Spec::disk_iops,
     .type = FieldType::limit,
     .option = "disk-iops",
     .option_help = {"operations a second of all its disks together; 0: no limit"},
     .doc = {"Limit of the operations a second of all disks together; 0: none. The default is that of the config",
             "Limit of the operations a second of all disks together; 0: none. The change takes effect at once"},
     .config_key = "vm_defaults.disk_iops",
     .change = Change::at_once},
    {.name = "disk_bandwidth_bytes",
     .member = &Spec::disk_bandwidth_bytes,
     .type = FieldType::rate,
     .option = "disk-bandwidth",
     .option_help = {"bytes a second of all its disks together, as 20M; 0: no limit"},
     .doc = {"Limit of the bytes a second of all disks together; 0: none. The default is that of the config",
             "Limit of the bytes a second of all disks together; 0: none. The change takes effect at once"},
     .config_key = "vm_defaults.disk_bandwidth",
     .change = Change::at_once},
    {.name = "net_bandwidth_bytes",
     .member = &Spec::net_bandwidth_bytes,
     .type = FieldType::rate,
     .option = "net-bandwidth",
     .option_help = {"bytes a second that it sends, and that it receives, as 2M; 0: no limit; needs a bridge or a "
                     "private network"},
     .doc =
         {"Limit of the bytes a second that the guest sends, and of those that it receives; 0: none. Needs a bridge. "
          "The default is that of the config",
          "Limit of the bytes a second that the guest sends, and of those that it receives; 0: none. Needs a bridge. "
          "The change takes effect at once"},
     .config_key = "vm_defaults.net_bandwidth",
     .change = Change::at_once},
    {.name = "pids",
     .member = &Spec::pids,
     .type = FieldType::limit,
     .option = "pids",
     .option_help = {"processes and threads of one command, session or login in it; 0: half of what its kernel allows"},
     .doc = {"Limit of the processes and threads of one command, session or login in the guest. 0: half of what the "
             "guest's kernel allows. The default is that of the config",
             "Limit of the processes and threads of one command, session or login in the guest. 0: half of what the "
             "guest's kernel allows. The change takes effect at once"},
     .config_key = "vm_defaults.pids",
     .change = Change::at_once},
    {.name = "environment",
     .member = &Spec::environment,
     .type = FieldType::pairs,
     .doc = {"Environment variables of commands in the guest, of login shells and of services. Shells and services get "
             "only names of letters, digits and `_`. Services get only values that `/etc/environment` can hold"}},
    {.name = "labels",
     .member = &Spec::labels,
     .type = FieldType::pairs,
     .option = "label",
     .option_help = {"attach a label; KEY alone has an empty value; may be repeated",
                     "its labels from now on, instead of those it has; may be repeated"},
     .doc = {"Labels by their keys", "All labels by their keys. Labels that are not named go"},
     .change = Change::at_once},
    // Two VMs cannot have the same port of the host. So forks, and VMs from a snapshot, have none.
    {.name = "publish",
     .member = &Spec::publish,
     .type = FieldType::ports,
     .option = "publish",
     .option_help = {"let a port of this host lead to a port of the VM whenever the VM runs; may be repeated",
                     "its published ports from now on, instead of those it has; may be repeated"},
     .doc = {"Ports of this host that lead to ports of the guest whenever the VM runs. Each is `HOSTPORT:PORT` at "
             "127.0.0.1, or `ADDRESS:HOSTPORT:PORT`. Port 0 of the host is any free port, which the VM then keeps",
             "All published ports. Ports that are not named go"},
     .change = Change::at_once},
    {.name = "restart",
     .member = &Spec::restart,
     .type = FieldType::choice,
     .choices = kRestartChoices,
     .option = "restart",
     .option_help = {"start it again when its guest ends: no (the default), on-failure (a panic, or the VMM ended), or "
                     "always"},
     .doc = {"When the VM starts again after its guest has ended by itself. `on-failure` means after a panic, and when "
             "the VMM ended. A guest that reboots always runs again"},
     .initial = "\"no\"",
     .change = Change::at_once},
    {.name = "autostart",
     .member = &Spec::autostart,
     .type = FieldType::flag,
     .option = "autostart",
     .option_help = {"start it whenever the daemon starts, or not (default: not)",
                     "start it whenever the daemon starts, or not"},
     .doc = {"Whether the VM is started, or resumed, whenever the daemon starts"},
     .initial = "false",
     .change = Change::at_once},
};

consteval const Field& field_named(std::string_view name) {
  return *std::ranges::find(kFields, name, &Field::name);  // an unknown name is no constant, so it does not compile
}

/// The result of `make` for each field that satisfies `wanted`, in the order of the table.
template <auto wanted, auto make>
consteval auto from_fields() {
  std::array<std::invoke_result_t<decltype(make), const Field&>,
             static_cast<std::size_t>(std::ranges::count_if(kFields, wanted))>
      made;
  auto at = made.begin();
  for (const auto& field : kFields)
    if (std::invoke(wanted, field)) *at++ = std::invoke(make, field);
  return made;
}

Json field_value(const Field& field, const Spec& spec);

/// `base` with the fields of `given` that are not null. The network must be one of the enum Network, not a choice like
/// "auto".
Result<Spec> spec_over(Spec base, const Json& given);
/// spec_over() for the wishes of a user. Whoever names hosts means these alone: without `egress`, a list `allow` that
/// is not empty turns the policy `open` of `base` into `none`.
Result<Spec> wanted_spec(Spec base, const Json& given);

/// Whether the VM's host resources applied the change at once.
enum class Taken { no, yes };
/// The names of fields whose change takes effect only at the next start.
std::vector<std::string> restart_needed(const Spec& before, const Spec& after, Taken taken);

/// The part of `spec` that a template's VM has too. All other fields have their initial values.
Spec template_part(const Spec& spec);
/// The fields that tell templates apart.
Json template_key_fields(const Spec& spec);

}  // namespace banger::vm

#include "config/schema.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

#include "base/bounds.h"
#include "base/text.h"
#include "config/path_values.h"
#include "host/endpoint.h"
#include "vm/bounds.h"

namespace banger::config {

namespace {

// A setter for a member that holds the value unchanged.
template <auto member>
void plain(Config& config, const Value& value) {
  using Member = std::remove_reference_t<decltype(config.*member)>;
  if constexpr (std::is_same_v<Member, std::string>)
    config.*member = std::get<std::string>(value);
  else if constexpr (std::is_same_v<Member, std::vector<std::string>>)
    config.*member = std::get<std::vector<std::string>>(value);
  else if constexpr (std::is_same_v<Member, bool>)
    config.*member = std::get<bool>(value);
  else
    config.*member = Member(std::get<std::uint64_t>(value));
}

// A setter for a member that is an enum. A test checks that every choice is a word of the enum.
template <auto member, const auto& words>
void word(Config& config, const Value& value) {
  if (auto found = value_of(words, std::get<std::string>(value))) config.*member = *found;
}

template <auto member>
void vm_default(Config& config, const Value& value) {
  using Optional = std::remove_reference_t<decltype(config.vm_defaults.*member)>;
  config.vm_defaults.*member = static_cast<typename Optional::value_type>(std::get<std::uint64_t>(value));
}

template <auto member>
void vm_limit(Config& config, const Value& value) {
  using Member = std::remove_reference_t<decltype(config.vm_defaults.*member)>;
  config.vm_defaults.*member = static_cast<Member>(std::get<std::uint64_t>(value));
}

// The choices are the levels' names, so this always parses.
void log_level(Config& config, const Value& value) {
  config.log_level = parse_log_level(std::get<std::string>(value)).value_or(LogLevel::info);
}

// A setter for a member of the entry that is being read.
template <auto member>
void in_entry(Config& config, const Value& value) {
  auto& entry = config.file_sync.back();
  if constexpr (std::is_same_v<std::remove_reference_t<decltype(entry.*member)>, std::string>)
    entry.*member = std::get<std::string>(value);
  else
    entry.*member = static_cast<mode_t>(std::get<std::uint64_t>(value));
}

using enum Type;
// Values of tables with a name of the user's choice need the name (Key::set_named).
void with_its_name(Config&, const Value&) {}

void policy_rules(Config& config, const std::string& name, const Value& value) {
  config.egress_policies[name] = std::get<std::vector<std::string>>(value);
}

template <auto member>
void of_secret(Config& config, const std::string& name, const Value& value) {
  auto& to = config.secrets[name].*member;
  to = std::get<std::remove_reference_t<decltype(to)>>(value);
}

constexpr std::string_view kLineEnds("\0\r\n", 3);
constexpr std::string_view kNameMarks = "/_+-.@";
constexpr bool kHere = true, kLater = false;
constexpr auto kDiskMin = limits::kMinDiskBytes, kDiskMax = limits::kMaxDiskBytes;

constexpr Key kKeys[] = {
    {"log_level", choice, "info", "How much the daemon writes to its log", kHere, log_level, "debug|info|warn|error"},
    {"machine", choice, "auto", "The VMM of new VMs; `auto`: the best one that works on this host", kHere,
     word<&Config::machine, kMachineWords>, "auto|firecracker|qemu"},
    {"qemu_bin", program, "", "The QEMU program; empty: `qemu-system-x86_64` from `PATH`", kHere,
     plain<&Config::qemu_bin>},
    {"firecracker_bin", program, "", "The Firecracker program; empty: `firecracker` from `PATH`", kHere,
     plain<&Config::firecracker_bin>},
    {"jailer_bin", program, "", "The jailer you expect; empty: no check", kHere, plain<&Config::jailer_bin>},
    {"jailer_enabled", boolean, "false", "Run Firecracker in jails; needs the root helper", kHere,
     plain<&Config::jailer_enabled>},
    {"storage", choice, "overlay", "Kind of root file system of a new VM", kHere,
     word<&Config::storage, vm::kStorageWords>, "overlay|copy|dm-snapshot"},
    {"default_image_name",
     text,
     "debian-bookworm",
     "The image of a new VM",
     kHere,
     plain<&Config::default_image_name>,
     {},
     {},
     1},
    {"default_registry",
     text,
     "docker.io",
     "Where images are pulled from when a reference names no registry",
     kHere,
     plain<&Config::default_registry>,
     {},
     {},
     1},
    {"insecure_registries", texts, "", "Registries without TLS, or with any certificate, as HOST or HOST:PORT", kHere,
     plain<&Config::insecure_registries>},
    {"catalog", text, "", "A file or a URL with a catalog, in place of the compiled-in one", kHere,
     plain<&Config::catalog>},
    {"catalog_key", text, "", "The Ed25519 public key that must have signed the catalog, in base64; empty: none", kHere,
     plain<&Config::catalog_key>},
    {"max_image_size",
     size,
     "32G",
     "Limit for the unpacked layers of a pulled image",
     kHere,
     plain<&Config::max_image_bytes>,
     {},
     {},
     limits::kMiB},
    {"ready_timeout",
     duration,
     "2m",
     "Limit for a starting guest until *agent ready*, and again until *system ready*",
     kHere,
     plain<&Config::ready_timeout>,
     {},
     {},
     1000,
     24 * 3600 * 1000},
    {"vm_defaults.vcpu",
     count,
     kFromHost,
     "Virtual processors of a new VM",
     kHere,
     vm_default<&VmDefaults::vcpus>,
     {},
     {},
     1,
     limits::kMaxVcpus},
    {"vm_defaults.memory",
     size,
     kFromHost,
     "Memory of a new VM",
     kHere,
     vm_default<&VmDefaults::memory_bytes>,
     {},
     {},
     limits::kMinMemoryBytes},
    {"vm_defaults.disk_size",
     size,
     "8G",
     "Size of the work disk (`/root`) of a new VM; the file grows with use",
     kHere,
     vm_default<&VmDefaults::disk_bytes>,
     {},
     {},
     kDiskMin,
     kDiskMax},
    {"vm_defaults.system_size",
     size,
     "8G",
     "Size of the system disk (all but `/root`) of a new VM; the file grows with use",
     kHere,
     vm_default<&VmDefaults::system_bytes>,
     {},
     {},
     kDiskMin,
     kDiskMax},
    {"vm_defaults.disk_iops",
     count,
     "0",
     "Limit of the disk operations a second of a new VM; `0`: none",
     kHere,
     vm_limit<&VmDefaults::disk_iops>,
     {},
     {},
     0,
     limits::kMostDiskIops},
    {"vm_defaults.disk_bandwidth",
     size,
     "0",
     "Limit of the bytes a second of the disks of a new VM; `0`: none",
     kHere,
     vm_limit<&VmDefaults::disk_bandwidth_bytes>,
     {},
     {},
     0,
     limits::kMostBandwidthBytes},
    {"vm_defaults.net_bandwidth",
     size,
     "0",
     "Limit of the bytes a second that a new VM sends, and that it receives; `0`: none",
     kHere,
     vm_limit<&VmDefaults::net_bandwidth_bytes>,
     {},
     {},
     0,
     limits::kMostNetBandwidthBytes},
    {"vm_defaults.pids",
     count,
     "0",
     "Limit of the processes and threads of one command in a new VM; `0`: the guest's own",
     kHere,
     vm_limit<&VmDefaults::pids>,
     {},
     {},
     0,
     limits::kMostPids},
    {"auto_stop_stale_after", duration, "0", "Stop a running VM that was unused for this time; `0`: never", kHere,
     plain<&Config::auto_stop_stale_after>},
    {"auto_stop_action", choice, "stop", "How an unused VM is stopped; `suspend` keeps its memory", kHere,
     word<&Config::auto_stop_action, kStopActionWords>, "stop|suspend"},
    {"auto_wake", boolean, "true", "Resume a suspended VM when its guest is needed; `vm ssh` starts a stopped one too",
     kHere, plain<&Config::auto_wake>},
    {"stats_poll_interval", duration, "10s", "Greatest age of the figures of `vm stats`, except with --watch", kHere,
     plain<&Config::stats_poll_interval>},
    {"metrics_poll_interval", duration, "60s", "How often the daemon reads the machines' own metrics; `0`: never",
     kHere, plain<&Config::metrics_poll_interval>},
    {"templates", boolean, "true", "Clone new VMs from a template instead of booting each", kHere,
     plain<&Config::templates>},
    {"pool_size",
     count,
     "1",
     "Size of the ready pool: clones that run and wait for a user",
     kHere,
     plain<&Config::pool_size>,
     {},
     {},
     0,
     16},
    {"pool_idle", duration, "10m", "How long a template stays in the ready pool after its last use", kHere,
     plain<&Config::pool_idle>},
    {"dns_listen_addr", listen, "127.0.0.1:42069", "Where the daemon answers DNS queries for `.vm` names; empty: off",
     kHere, plain<&Config::dns_listen_addr>},
    {"auto_forward", boolean, "true", "Forward each TCP port of a guest to the VM's loopback address", kHere,
     plain<&Config::auto_forward>},
    {"forward_loopback", boolean, "false", "Forward also ports on which a guest listens on its loopback address only",
     kHere, plain<&Config::forward_loopback>},
    {"forward_clients", choice, "owner", "Whose processes may connect to forwarded ports; root's always may", kHere,
     word<&Config::forward_clients, kForwardClientsWords>, "owner|all"},
    {"memory_overcommit",
     count,
     "100",
     "Part of the free memory that VMs may use, in percent",
     kHere,
     plain<&Config::memory_overcommit>,
     {},
     {},
     1,
     10000},
    {"network", choice, "auto", "The network of a new VM", kHere, word<&Config::network, vm::kNetworkChoiceWords>,
     "auto|user|bridge"},
    {"default_egress",
     text,
     "open",
     "The egress policy of a new VM: `open`, `none`, or one of `[egress.NAME]`",
     kHere,
     plain<&Config::default_egress>,
     {},
     {},
     1},
    {"guest_link_local", boolean, "false",
     "Let guests reach 169.254.0.0/16, where clouds give out the credentials of their machines", kHere,
     plain<&Config::guest_link_local>},
    {"guest_lan", boolean, "false", "Let guests of a private network reach the private ranges of other networks", kHere,
     plain<&Config::guest_lan>},
    {"proxy", choice, "none", "Whether guests use the host's proxy: that of `HTTPS_PROXY` and `HTTP_PROXY`", kHere,
     word<&Config::proxy, kProxyWords>, "none|host"},
    {"bridge_name", text, "br-banger", "Name of the bridge", kHere, plain<&Config::bridge_name>, {}, {}, 1},
    {"bridge_ip",
     text,
     "172.16.0.1",
     "The host's address on the bridge, in an unused private range",
     kHere,
     plain<&Config::bridge_ip>,
     {},
     {},
     1},
    {"cidr", count, "24", "Length of the bridge network's prefix", kHere, plain<&Config::cidr>, {}, {}, 8, 30},
    {"tap_pool_size",
     count,
     "4",
     "Idle taps that the daemon keeps while VMs are on the bridge",
     kHere,
     plain<&Config::tap_pool_size>,
     {},
     {},
     0,
     256},
    {"default_dns",
     text,
     "1.1.1.1",
     "The name server of VMs on the bridge",
     kHere,
     plain<&Config::default_dns>,
     {},
     {},
     1},
    {"ssh_key_path", path, "", "The SSH key that guests accept; empty: banger makes one", kHere,
     plain<&Config::ssh_key_path>},
    {"guest_timezone", setting_name, "", "Time zone of guests, such as `Europe/Berlin`; empty: the image's", kHere,
     plain<&Config::guest_timezone>},
    {"guest_locale", setting_name, "", "Locale of guests, such as `de_DE.UTF-8`; empty: the image's", kHere,
     plain<&Config::guest_locale>},
    {"guest_git_identity", boolean, "false", "Git in guests commits with your name and address", kHere,
     plain<&Config::guest_git_identity>},
    {"file_sync.host", host_path, "", "A file or directory of the host that new guests get", kHere,
     in_entry<&FileSync::host>},
    {"file_sync.guest", guest_path, "", "Where it goes in the guest", kHere, in_entry<&FileSync::guest>},
    {"file_sync.mode", file_mode, "0600", "Mode of a file; the files of a directory keep theirs", kHere,
     in_entry<&FileSync::mode>},
    {"egress.NAME.allow",
     texts,
     "",
     "Hosts that guests with this egress policy may reach, as HOST or HOST:PORT",
     kHere,
     with_its_name,
     {},
     {},
     0,
     limits::kAllowRules,
     policy_rules},
    {"secrets.NAME.hosts",
     texts,
     "",
     "Hosts that get the secret when `--secret NAME` names none, as HOST or HOST:PORT",
     kHere,
     with_its_name,
     {},
     {},
     0,
     limits::kVmSecretHosts,
     of_secret<&SecretSource::hosts>},
    {"secrets.NAME.file",
     path,
     "",
     "A file with the value, which only you can read",
     kHere,
     with_its_name,
     {},
     {},
     0,
     UINT64_MAX,
     of_secret<&SecretSource::file>},
    {"secrets.NAME.command",
     text,
     "",
     "A command of `/bin/sh` that prints the value",
     kHere,
     with_its_name,
     {},
     {},
     0,
     UINT64_MAX,
     of_secret<&SecretSource::command>},
    {"secrets.NAME.env",
     text,
     "",
     "The variable of your shell with the value; empty: NAME",
     kHere,
     with_its_name,
     {},
     {},
     0,
     UINT64_MAX,
     of_secret<&SecretSource::env>},

    {"web_listen_addr", text, "", "Address and port of the web interface; empty: off", kLater,
     plain<&Config::web_listen_addr>},
};

std::string code_list(std::string_view choices) {
  std::string list;
  for (auto name : split(choices, '|')) list += fmt::format("{}`{}`", list.empty() ? "" : ", ", name);
  return list;
}

bool has_choice(std::string_view choices, std::string_view name) {
  for (auto each : split(choices, '|'))
    if (!name.empty() && each == name) return true;
  return false;
}

std::unexpected<Error> must_be(const Key& key, const std::string& what, std::string hint = {}) {
  return fail(ErrorCode::invalid, fmt::format("'{}' must be {}", key.name, what), std::move(hint));
}

std::string range_text(const Key& key) {
  auto show = [&](std::uint64_t value) {
    if (key.type == Type::duration) return format_duration(std::chrono::milliseconds(value));
    return key.type == Type::size ? format_size(value) : std::to_string(value);
  };
  return key.max == UINT64_MAX ? fmt::format("at least {}", show(key.min))
                               : fmt::format("between {} and {}", show(key.min), show(key.max));
}

Result<Value> in_range(const Key& key, std::uint64_t number) {
  if (number < key.min || number > key.max) return must_be(key, range_text(key));
  return Value(number);
}

Result<Value> check_choice(const Key& key, const std::string& name) {
  if (has_choice(key.choices, name)) return Value(name);
  if (has_choice(key.later_choices, name))
    return fail(ErrorCode::unsupported, fmt::format("{} = \"{}\" is not available in this version", key.name, name),
                fmt::format("use {}", code_list(key.choices)));
  auto names = split(key.choices, '|');
  return must_be(key, fmt::format("{}, not '{}'", type_text(key), printable(name)),
                 did_you_mean(name.substr(0, 64), std::vector<std::string>(names.begin(), names.end())));
}

bool is_name(std::string_view text) {
  auto fits = [](char c) { return std::isalnum(static_cast<unsigned char>(c)) || kNameMarks.contains(c); };
  return std::ranges::all_of(text, fits);
}

Result<Value> check_text(const Key& key, const std::string& value) {
  switch (key.type) {
    case choice:
      return check_choice(key, value);
    case size:
      return in_range(key, TRY(in(fmt::format("'{}'", key.name), parse_size(value))));
    case duration:
      return in_range(
          key, static_cast<std::uint64_t>(TRY(in(fmt::format("'{}'", key.name), parse_duration(value))).count()));
    case listen:
      if (!value.empty()) TRY(in(fmt::format("'{}'", key.name), host::parse_endpoint(value)));
      return Value(value);
    case path:
      if (!value.empty() && !value.starts_with('/') && !value.starts_with("~/"))
        return must_be(key, type_text(key), "write the whole path");
      if (value.find_first_of(kLineEnds) != value.npos) return must_be(key, "one line");
      return Value(value);
    case setting_name:
      if (value.size() > limits::kHostSettingBytes || !is_name(value))
        return must_be(key, type_text(key), "letters, digits and /_+-.@ make a name");
      return Value(value);
    case host_path:
    case guest_path:
    case file_mode:
      return check_path_value(key, value);
    case program:
      if (value.find('/') != value.npos && value.front() != '/')
        return must_be(key, type_text(key), "write the whole path");
      [[fallthrough]];
    default:
      if (value.size() < key.min) return fail(ErrorCode::invalid, fmt::format("'{}' must not be empty", key.name));
      if (value.find('\0') != value.npos) return must_be(key, "text without zero bytes");
      return Value(value);
  }
}

bool takes_text(Type type) { return type != boolean && type != count && type != texts; }

Result<Value> check_texts(const Key& key, const std::vector<std::string>& list) {
  auto most = key.max == UINT64_MAX ? limits::kConfigListItems : key.max;
  if (list.size() > most) return must_be(key, fmt::format("a list of at most {} texts", most));
  for (const auto& item : list)
    if (item.empty() || item.find('\0') != item.npos) return must_be(key, "a list without empty texts and zero bytes");
  return Value(list);
}

}  // namespace

std::span<const Key> schema() { return kKeys; }

const Key* find_key(std::string_view name) {
  for (const auto& key : kKeys)
    if (key.name == name) return &key;
  return nullptr;
}

std::string type_text(const Key& key) {
  switch (key.type) {
    case text:
      return "text";
    case texts:
      return "a list of texts";
    case program:
      return "a program's name or absolute path";
    case path:
    case host_path:
      return "an absolute path, or one that begins with `~/`";
    case guest_path:
      return "a path below `~/` or `/root/`";
    case file_mode:
      return "an octal mode up to `0777`";
    case setting_name:
      return "a name or `host`";
    case listen:
      return "an IPv4 address and a port";
    case choice:
      return (split(key.choices, '|').size() > 1 ? "one of " : "") + code_list(key.choices);
    case boolean:
      return "true or false";
    case count:
      return "a whole number";
    case size:
      return "a size";
    case duration:
      return "a duration";
  }
  return "";
}

Result<Value> check_value(const Key& key, const Written& written) {
  if (auto* value = std::get_if<std::string>(&written); value && takes_text(key.type)) return check_text(key, *value);
  if (auto* flag = std::get_if<bool>(&written); flag && key.type == boolean) return Value(*flag);
  if (auto* list = std::get_if<std::vector<std::string>>(&written); list && key.type == texts)
    return check_texts(key, *list);
  auto* number = std::get_if<std::int64_t>(&written);
  if (number && key.type == count)
    return *number < 0 ? Result<Value>(must_be(key, range_text(key)))
                       : in_range(key, static_cast<std::uint64_t>(*number));
  std::string hint;
  if (number && key.type == size)
    hint = fmt::format("write it in quotes with a unit, like {} = \"8G\"", key.name.substr(key.name.rfind('.') + 1));
  if (key.type == texts) hint = fmt::format("write {} = [\"one\", \"two\"]", key.name.substr(key.name.rfind('.') + 1));
  if (number && key.type == file_mode) hint = "write it in quotes, like mode = \"0644\"";
  if (number && key.type == duration) hint = fmt::format("write it in quotes with a unit, like {} = \"24h\"", key.name);
  return must_be(key, type_text(key), std::move(hint));
}

Result<> set_value(Config& config, const Key& key, const Written& written) {
  if (!key.implemented)
    return fail(ErrorCode::unsupported, fmt::format("'{}' is not available in this version", key.name), "remove it");
  key.set(config, TRY(check_value(key, written)));
  return {};
}

}  // namespace banger::config

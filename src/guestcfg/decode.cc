// Guest config from JSON. The document is untrusted (it comes from a clone's host or a user's file). Every field is
// checked here, so code that applies a GuestConfig can rely on its values.
#include <fmt/format.h>

#include <charconv>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/base64.h"
#include "base/bounds.h"
#include "base/text.h"
#include "guestcfg/bounds.h"
#include "guestcfg/checks.h"
#include "guestcfg/environment.h"
#include "guestcfg/guest_config.h"
#include "guestcfg/names.h"

namespace banger::guestcfg {

namespace {

constexpr std::size_t kSerialBytes = 20;  // VIRTIO_BLK_ID_BYTES
constexpr std::size_t kEntropyDigits = 1024;

Result<std::string> text_or_empty(const Json& object, std::string_view key) {
  return TRY(find_string(object, key)).value_or(std::string());
}

// The field's name is formatted only for an error. A clone decodes one config, and every line of code that it executes
// runs for the first time.
template <class T>
Result<T> in_field(std::string_view key, Result<T> result) {
  return result ? std::move(result) : in(fmt::format("field '{}'", key), std::move(result));
}

/// A text field. It may be absent; otherwise it must pass `check`.
Result<std::string> checked_text(const Json& object, std::string_view key, Result<> (*check)(std::string_view)) {
  std::string text = TRY(text_or_empty(object, key));
  if (!text.empty()) TRY(in_field(key, check(text)));
  return text;
}

Result<std::string> required_text(const Json& object, std::string_view key, Result<> (*check)(std::string_view)) {
  std::string text = TRY(get_string(object, key));
  TRY(in_field(key, check(text)));
  return text;
}

Result<std::uint32_t> number(const Json& object, std::string_view key, std::uint32_t fallback) {
  std::int64_t value = TRY(find_int(object, key)).value_or(fallback);
  // The highest value is excluded: as a user or group id it means "no change" (chown(2)).
  if (value < 0 || value >= UINT32_MAX) return fail(ErrorCode::invalid, fmt::format("field '{}' is out of range", key));
  return static_cast<std::uint32_t>(value);
}

template <class E, std::size_t N>
Result<E> enumerated(const Json& object, std::string_view key, const Names<E, N>& names) {
  auto value = value_of(names, TRY(get_string(object, key)));
  if (value) return *value;
  std::string known;
  for (const auto& [name, meaning] : names) known += fmt::format("{}'{}'", known.empty() ? "" : ", ", name);
  return fail(ErrorCode::invalid, fmt::format("field '{}' must be one of {}", key, known));
}

/// A list or an object of bounded size; null when it is absent or null.
Result<const Json*> find_items(const Json& object, const char* key, Json::value_t type) {
  auto found = object.find(key);
  if (found == object.end() || found->is_null()) return nullptr;
  bool list = type == Json::value_t::array;
  if (found->type() != type)
    return fail(ErrorCode::invalid, fmt::format("field '{}' must be {}", key, list ? "a list" : "an object"));
  if (found->size() > limits::kGuestConfigItems)
    return fail(ErrorCode::invalid, fmt::format("field '{}' has more than {} {}", key, limits::kGuestConfigItems,
                                                list ? "items" : "members"));
  return &*found;
}

/// Decodes each item of a list; an error names the item.
template <class T, class F>
Result<> add_items(const Json& object, const char* key, std::vector<T>& to, F decode) {
  const Json* found = TRY(find_items(object, key, Json::value_t::array));
  if (!found) return {};
  for (const Json& item : *found) {
    Result<T> decoded = decode(item);
    if (!decoded) return std::unexpected(std::move(decoded).error().in(fmt::format("{}[{}]", key, to.size())));
    to.push_back(std::move(*decoded));
  }
  return {};
}

template <class F>
Result<> members(const Json& object, const char* key, F take) {
  const Json* found = TRY(find_items(object, key, Json::value_t::object));
  if (!found) return {};
  for (const auto& [name, value] : found->items()) TRY(in_field(key, Result<>(take(name, value))));
  return {};
}

Result<Disk> decode_disk(const Json& json) {
  TRY(only_keys(json, {"serial", "index", "role", "grow", "size_bytes"}));
  Disk disk;
  disk.serial = TRY(checked_text(json, "serial", check_one_line));
  if (disk.serial.size() > kSerialBytes)
    return fail(ErrorCode::invalid, fmt::format("field 'serial' is longer than {} bytes", kSerialBytes));
  disk.index = TRY(number(json, "index", 0));
  disk.role = TRY(enumerated(json, "role", kDiskRoles));
  disk.grow = TRY(find_bool(json, "grow")).value_or(false);
  std::int64_t size = TRY(find_int(json, "size_bytes")).value_or(0);
  if (size < 0) return fail(ErrorCode::invalid, "field 'size_bytes' is negative");
  disk.size_bytes = static_cast<std::uint64_t>(size);
  return disk;
}

Result<> check_word(std::string_view text) {
  if (text.empty() || text.find_first_of(std::string_view(" \t\n\r\0", 5)) != text.npos)
    return fail(ErrorCode::invalid, "must be one word");
  return {};
}

Result<Mount> decode_mount(const Json& json) {
  TRY(only_keys(json, {"source", "target", "type", "options"}));
  Mount mount;
  mount.source = TRY(required_text(json, "source", check_one_line));
  mount.target = TRY(required_text(json, "target", check_absolute_path));
  mount.type = TRY(checked_text(json, "type", check_word));
  mount.options = TRY(checked_text(json, "options", check_one_line));
  return mount;
}

Result<Interface> decode_interface(const Json& json) {
  TRY(only_keys(json, {"mac", "index", "address", "gateway", "dns", "search", "unreachable", "mtu"}));
  Interface interface;
  interface.mac = TRY(required_text(json, "mac", check_mac));
  interface.index = TRY(number(json, "index", 0));
  interface.address = TRY(checked_text(json, "address", check_cidr));
  interface.gateway = TRY(checked_text(json, "gateway", check_ip));
  interface.dns = TRY(find_strings(json, "dns"));
  for (const auto& address : interface.dns) TRY(in("field 'dns'", check_ip(address)));
  interface.search = TRY(find_strings(json, "search"));
  for (const auto& domain : interface.search) TRY(in("field 'search'", check_host_name(domain)));
  interface.unreachable = TRY(find_strings(json, "unreachable"));
  for (const auto& network : interface.unreachable) TRY(in("field 'unreachable'", check_cidr(network)));
  interface.mtu = TRY(number(json, "mtu", 0));
  if (interface.mtu != 0 && (interface.mtu < limits::kSmallestMtu || interface.mtu > limits::kLargestMtu))
    return fail(ErrorCode::invalid,
                fmt::format("field 'mtu' must be from {} to {}", limits::kSmallestMtu, limits::kLargestMtu));
  return interface;
}

Result<std::uint32_t> decode_mode(const Json& json) {
  std::string text = TRY(find_string(json, "mode")).value_or("0644");
  std::uint32_t mode = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), mode, 8);
  if (error != std::errc() || end != text.data() + text.size() || mode > 07777)
    return fail(ErrorCode::invalid, "field 'mode' must be octal digits in a string, like \"0644\"");
  return mode;
}

Result<std::string> decode_contents(const Json& json, const std::vector<std::string>& payloads) {
  auto data = TRY(find_string(json, "data"));
  auto payload = TRY(find_int(json, "payload"));
  if (data && payload) return fail(ErrorCode::invalid, "'data' and 'payload' exclude each other");
  if (data) return in("field 'data'", from_base64(*data));
  if (!payload) return fail(ErrorCode::invalid, "missing field 'data'");
  if (*payload < 0 || static_cast<std::uint64_t>(*payload) >= payloads.size())
    return fail(ErrorCode::invalid, fmt::format("payload {} is missing", *payload));
  return payloads[static_cast<std::size_t>(*payload)];
}

Result<File> decode_file(const Json& json, const std::vector<std::string>& payloads, std::size_t& total) {
  TRY(only_keys(json, {"path", "mode", "uid", "gid", "data", "payload"}));
  File file;
  file.path = TRY(required_text(json, "path", check_absolute_path));
  if (file.path.ends_with('/')) return fail(ErrorCode::invalid, "field 'path' names a directory");
  file.mode = TRY(decode_mode(json));
  file.uid = TRY(number(json, "uid", 0));
  file.gid = TRY(number(json, "gid", 0));
  file.data = TRY(decode_contents(json, payloads));
  // Each copy counts, because many files may name the same payload.
  total += file.data.size();
  if (total > limits::kGuestConfigBytes)
    return fail(ErrorCode::exhausted,
                fmt::format("the files together are over the limit of {} bytes", limits::kGuestConfigBytes));
  return file;
}

Result<UserKeys> decode_keys(const Json& json) {
  TRY(only_keys(json, {"user", "keys"}));
  UserKeys keys;
  keys.user = TRY(required_text(json, "user", check_user_name));
  keys.keys = TRY(find_strings(json, "keys"));
  for (const auto& line : keys.keys) TRY(in("field 'keys'", check_one_line(line)));
  return keys;
}

Result<Unit> decode_unit(const Json& json) {
  TRY(only_keys(json, {"name", "action"}));
  Unit unit;
  unit.name = TRY(required_text(json, "name", check_unit_name));
  unit.action = TRY(enumerated(json, "action", kUnitActions));
  return unit;
}

Result<std::vector<std::string>> decode_command(const Json& json) {
  if (!json.is_array() || json.empty() || json.size() > limits::kGuestConfigItems)
    return fail(ErrorCode::invalid, "must be a list of words");
  std::vector<std::string> argv;
  for (const auto& word : json) {
    if (!word.is_string() || word.get_ref<const std::string&>().find('\0') != std::string::npos)
      return fail(ErrorCode::invalid, "must be a list of words");
    argv.push_back(word.get<std::string>());
  }
  if (argv[0].empty()) return fail(ErrorCode::invalid, "the program has no name");
  return argv;
}

Result<> decode_maps(const Json& json, GuestConfig& config) {
  TRY(members(json, "hosts", [&](const std::string& address, const Json& names) -> Result<> {
    TRY(check_ip(address));
    auto& known = config.hosts[address];
    known = TRY(find_strings({{"names", names}}, "names"));
    for (const auto& name : known) TRY(check_host_name(name));
    return {};
  }));
  TRY(members(json, "environment", [&](const std::string& name, const Json& value) -> Result<> {
    if (!value.is_string()) return fail(ErrorCode::invalid, fmt::format("'{}' must be a string", printable(name, 80)));
    config.environment[name] = value.get<std::string>();
    return {};
  }));
  return in("field 'environment'", check_environment(config.environment));
}

Result<> decode_identity(const Json& json, GuestConfig& config) {
  config.hostname = TRY(checked_text(json, "hostname", check_host_name));
  config.link_token = TRY(checked_text(json, "link_token", [](std::string_view text) { return check_hex(text, 32); }));
  config.machine_id = TRY(checked_text(json, "machine_id", [](std::string_view text) { return check_hex(text, 32); }));
  config.entropy = TRY(checked_text(
      json, "entropy", [](std::string_view text) { return check_hex(text, text.size() & ~std::size_t{1}); }));
  if (config.entropy.size() > kEntropyDigits)
    return fail(ErrorCode::invalid, fmt::format("field 'entropy' is over {} digits", kEntropyDigits));
  config.clock_unix_ns = TRY(find_int(json, "clock_unix_ns")).value_or(0);
  config.authority = TRY(checked_text(json, "authority", check_certificate));
  if (config.clock_unix_ns < 0) return fail(ErrorCode::invalid, "field 'clock_unix_ns' is negative");
  return {};
}

Result<std::optional<SshHostKey>> decode_host_key(const Json& json) {
  auto found = json.find("ssh_host_key");
  if (found == json.end() || found->is_null()) return std::nullopt;
  TRY(only_keys(*found, {"private", "public"}));
  SshHostKey key{.private_key = TRY(get_string(*found, "private")), .public_key = TRY(get_string(*found, "public"))};
  if (key.private_key.empty() || key.public_key.empty())
    return fail(ErrorCode::invalid, "the private and the public key must both be given");
  return key;
}

Result<std::uint32_t> decode_pids(const Json& json) {
  auto pids = TRY(find_int(json, "pids")).value_or(0);
  if (!std::in_range<std::uint32_t>(pids)) return fail(ErrorCode::invalid, "field 'pids' is out of range");
  return static_cast<std::uint32_t>(pids);
}

Result<> check_disks(const std::vector<Disk>& disks) {
  for (std::size_t i = 0; i < disks.size(); ++i)
    for (std::size_t k = 0; k < i; ++k)
      if (disks[i].role == disks[k].role)
        return fail(ErrorCode::invalid, fmt::format("disks[{}] has the role of disks[{}]", i, k));
  return {};
}

}  // namespace

Result<GuestConfig> from_json(const Json& json, const std::vector<std::string>& payloads) {
  TRY(only_keys(json, {"hostname", "hosts", "disks", "mounts", "interfaces", "files", "keys", "environment", "image",
                       "units", "run_once", "link_token", "entropy", "clock_unix_ns", "machine_id", "authority",
                       "ssh_host_key", "pids", "first_start"}));
  GuestConfig config;
  TRY(decode_identity(json, config));
  TRY(decode_maps(json, config));
  TRY(add_items(json, "disks", config.disks, decode_disk));
  TRY(check_disks(config.disks));
  TRY(add_items(json, "mounts", config.mounts, decode_mount));
  TRY(add_items(json, "interfaces", config.interfaces, decode_interface));
  std::size_t total = 0;
  TRY(add_items(json, "files", config.files, [&](const Json& item) { return decode_file(item, payloads, total); }));
  TRY(add_items(json, "keys", config.keys, decode_keys));
  if (const Json* image = find_field(json, "image"))
    config.image = TRY(in("field 'image'", run_config_from_json(*image)));
  TRY(add_items(json, "units", config.units, decode_unit));
  config.ssh_host_key = TRY(in("field 'ssh_host_key'", decode_host_key(json)));
  config.pids = TRY(decode_pids(json));
  config.first_start = TRY(find_bool(json, "first_start")).value_or(false);
  TRY(add_items(json, "run_once", config.run_once, decode_command));
  return config;
}

}  // namespace banger::guestcfg

// Everything that gives a guest its identity: random bytes, clock, hostname, machine-id, the names in its /etc/hosts,
// and the environment variables of its user. The order matters in a clone: entropy before everything else, then the
// clock.
#include <fcntl.h>
#include <fmt/format.h>
#include <linux/random.h>
#include <sys/ioctl.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <vector>

#include "base/text.h"
#include "capabilities/boot_clock.h"
#include "capabilities/bounds.h"
#include "capabilities/capability.h"
#include "guest/journals.h"
#include "guest/root.h"
#include "guest/text_block.h"
#include "guestcfg/checks.h"
#include "guestcfg/environment.h"
#include "host/files.h"

namespace banger::capabilities {

namespace {

constexpr std::size_t kEntropyBytes = 64;
constexpr std::int64_t kNsPerSecond = 1'000'000'000;
constexpr const char* kProfile = "/etc/profile.d/banger.sh";

/// Derived from the VM's id, so it survives restarts. Marked as a version 4 UUID, as machine-id(5) requires.
std::string machine_id(const std::string& vm_id) {
  std::string id = host::sha256_hex("machine-id " + vm_id).substr(0, 32);
  id[12] = '4';
  id[16] = "89ab"[static_cast<unsigned char>(id[16]) % 4];
  return id;
}

std::int64_t now_ns(clockid_t clock) {
  struct timespec now{};
  ::clock_gettime(clock, &now);
  return now.tv_sec * kNsPerSecond + now.tv_nsec;
}

Result<> add_to_guest(const VmContext& vm, guestcfg::GuestConfig& config) {
  config.hostname = vm.name;
  config.hosts["127.0.1.1"].push_back(vm.name);
  config.entropy = to_hex(host::random_bytes(kEntropyBytes));
  config.clock_unix_ns = now_ns(CLOCK_REALTIME);
  config.machine_id = machine_id(vm.id);
  config.first_start = vm.first_boot;
  for (const auto& [name, value] : vm.spec.environment) config.environment[name] = value;
  return {};
}

// -- in the guest: the kernel

Result<> add_entropy(const GuestTarget& target, const std::string& hex) {
  if (hex.empty()) return {};
  std::string bytes = TRY(from_hex(hex));
  auto opened = target.handles ? UniqueFd() : TRY(host::open_file("/dev/urandom", O_RDONLY));
  int device = target.handles ? target.handles->random.get() : opened.get();
  // struct rand_pool_info ends in a flexible array (random(4)).
  std::vector<int> buffer(2 + (bytes.size() + sizeof(int) - 1) / sizeof(int));
  buffer[0] = static_cast<int>(bytes.size() * 8);
  buffer[1] = static_cast<int>(bytes.size());
  std::memcpy(&buffer[2], bytes.data(), bytes.size());
  if (::ioctl(device, RNDADDENTROPY, buffer.data()) < 0) return fail_errno("add entropy");
  // Clones of one template share the generator's state until the generator uses the new bytes.
  if (::ioctl(device, RNDRESEEDCRNG) < 0 && errno != EINVAL && errno != ENODATA)
    return fail_errno("reseed the random generator");
  return {};
}

Result<> set_clock(GuestTarget& target, std::int64_t unix_ns) {
  if (unix_ns == 0) return {};
  // For a booting guest, the host wrote the time before the power-on. For a running guest, the host wrote the time just
  // now.
  if (target.mode == ApplyMode::boot) unix_ns += now_ns(CLOCK_BOOTTIME);
  if (target.mode == ApplyMode::boot && !is_late_at_boot(now_ns(CLOCK_REALTIME), unix_ns)) return {};
  // A step wakes systemd, D-Bus and logind, which take 150 ms from the first command of a fork under emulation.
  auto step_ns = unix_ns - now_ns(CLOCK_REALTIME);
  if (target.mode == ApplyMode::live && std::llabs(step_ns) <= limits::kClockStepThatWaitsNs) {
    target.clock_step_ns = step_ns;
    return {};
  }
  struct timespec now{.tv_sec = unix_ns / kNsPerSecond, .tv_nsec = unix_ns % kNsPerSecond};
  if (::clock_settime(CLOCK_REALTIME, &now) < 0) return fail_errno("set the clock");
  return {};
}

// -- in the guest: files

/// In a clone, a client waits, so files are overwritten in place. During a boot no process can read a half-written
/// file, but the guest can lose power. So files are then replaced in one step.
Result<> put(const GuestTarget& target, const guest::Root& root, const guestcfg::File& file) {
  if (target.mode != ApplyMode::live || !root.update_file(file)) TRY(root.force_file(file));
  return {};
}

/// Whether there is nothing to keep: no file, a directory, or a link that leads nowhere.
bool is_no_file(const Error& error) {
  return error.code == ErrorCode::not_found || error.sys_errno == ELOOP || error.sys_errno == EISDIR;
}

Result<> update_block(const GuestTarget& target, const guest::Root& root, const std::string& path,
                      std::string_view when_missing, std::string_view lines) {
  auto text = root.read_file(path, limits::kIdentityFileBytes);
  if (!text && text.error().code == ErrorCode::exhausted) {
    target.log.warn("file.left_alone", {{"error", text.error().sentence()}});
    return {};
  }
  if (!text && !is_no_file(text.error())) return std::unexpected(std::move(text).error());
  if (!text && lines.empty()) return {};
  return put(target, root,
             {.path = path, .data = guest::with_block(text ? std::string_view(*text) : when_missing, lines)});
}

Result<> write_hosts(const GuestTarget& target, const guest::Root& root, const guestcfg::GuestConfig& config) {
  std::string lines;
  for (const auto& [address, names] : config.hosts)
    if (!names.empty()) lines += address + ' ' + join(names, " ") + '\n';
  return update_block(target, root, "/etc/hosts", "127.0.0.1 localhost\n::1 localhost ip6-localhost ip6-loopback\n",
                      lines);
}

Result<> write_environment(const GuestTarget& target, const guest::Root& root,
                           const std::map<std::string, std::string>& environment) {
  if (target.before && target.before->environment == environment) return {};
  std::string exports, lines;
  for (const auto& [name, value] : environment) {
    // A shell ends at an `export` of any other name. Commands of the agent get such variables all the same.
    if (guestcfg::is_shell_name(name)) exports += fmt::format("export {}={}\n", name, shell_quote(value));
    if (auto line = guestcfg::environment_line(name, value)) lines += *line + '\n';
  }
  // Where the directory is a file, no login shell reads it.
  bool no_profiles = root.exists("/etc/profile.d") && !root.open_path("/etc/profile.d", O_PATH | O_DIRECTORY);
  if (exports.empty())
    TRY(root.remove_file(kProfile));
  else if (!no_profiles)
    TRY(root.write_file({.path = kProfile, .data = std::move(exports)}));
  return update_block(target, root, "/etc/environment", "", lines);
}

Result<> write_machine_id(GuestTarget& target, const guest::Root& root, const std::string& id) {
  if (id.empty()) return {};
  if (target.mode == ApplyMode::live) {
    target.old_machine_id = trim(root.read_file("/etc/machine-id", 64).value_or(""));
    target.later |= guestcfg::check_hex(target.old_machine_id, id.size()) && target.old_machine_id != id;
  }
  TRY(put(target, root, {.path = "/etc/machine-id", .mode = 0444, .data = id + "\n"}));
  // D-Bus has its own copy where it was installed without systemd. A link there leads to the file above.
  constexpr const char* kDbus = "/var/lib/dbus/machine-id";
  if (root.link_target(kDbus).empty() && root.exists(kDbus))
    TRY(put(target, root, {.path = kDbus, .mode = 0444, .data = id + "\n"}));
  return target.mode == ApplyMode::boot ? guest::adopt_journals(root, id) : Result<>();
}

Result<> set_hostname(GuestTarget& target, const std::string& name) {
  if (name.empty()) return {};
  utsname before{};
  if (target.changes && ::uname(&before) == 0 && name != before.nodename) target.changes->add("the kernel's host name");
  if (::sethostname(name.data(), name.size()) < 0) return fail_errno("set the hostname");
  return {};
}

Result<> apply_first(GuestTarget& target, const guestcfg::GuestConfig& config) {
  TRY(add_entropy(target, config.entropy));
  return set_clock(target, config.clock_unix_ns);
}

Result<> apply(GuestTarget& target, const guestcfg::GuestConfig& config) {
  if (target.mode != ApplyMode::provision) TRY(set_hostname(target, config.hostname));
  auto root = TRY(guest::Root::open(target.root, target.changes));
  if (!config.hostname.empty()) TRY(put(target, root, {.path = "/etc/hostname", .data = config.hostname + "\n"}));
  TRY(write_hosts(target, root, config));
  TRY(write_machine_id(target, root, config.machine_id));
  return write_environment(target, root, config.environment);
}

Result<> apply_later(GuestTarget& target, const guestcfg::GuestConfig& config) {
  return guest::rename_journals(TRY(guest::Root::open(target.root)), target.old_machine_id, config.machine_id);
}

}  // namespace

extern const Capability identity;
constinit const Capability identity = {
    .name = "identity", .guest = add_to_guest, .apply_first = apply_first, .apply = apply, .apply_later = apply_later};

}  // namespace banger::capabilities

// SSH into a guest: its host key, the owner's key, and the settings of its sshd. The host makes a host key once for
// each VM. So a VM keeps its key over restarts, no two VMs share one, and no guest spends its boot on making one.
#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <filesystem>

#include "base/text.h"
#include "capabilities/bounds.h"
#include "capabilities/capability.h"
#include "capabilities/ssh/host_key.h"
#include "guest/root.h"
#include "host/files.h"
#include "host/ssh_key.h"

namespace banger::capabilities {

namespace {

constexpr std::string_view kPrivateEnd = "-----END OPENSSH PRIVATE KEY-----\n";

std::string key_path(const VmContext& vm) { return host_key_path(vm.directory); }

bool is_whole(const std::string& path) {
  auto text = host::read_file(path, limits::kSshKeyFileBytes);
  return text && text->ends_with(kPrivateEnd);
}

// Written without a sync. After a power loss at this moment the host makes another key, and no client has seen this
// one.
Result<> put(const std::string& path, std::string_view text, mode_t mode) {
  std::string temporary = path + ".part";
  TRY(host::remove_file(temporary));
  auto file = TRY(host::open_file(temporary, O_WRONLY | O_CREAT | O_EXCL, mode));
  TRY(in(path, host::write_all(file.get(), text)));
  if (::rename(temporary.c_str(), path.c_str()) < 0) return fail_errno(path);
  return {};
}

Task<Result<>> prepare(const VmContext& vm) {
  co_return co_await vm.runtime.blocking([path = key_path(vm), name = vm.name]() -> Result<> {
    if (is_whole(path)) return {};
    auto key = TRY(in("the VM's SSH key", host::make_ssh_key("root@" + name)));
    // The private half last: where the private half exists, both exist.
    TRY(put(path + ".pub", key.public_key, 0644));
    return put(path, key.private_key, 0600);
  });
}

Result<> add_to_guest(const VmContext& vm, guestcfg::GuestConfig& config) {
  if (!vm.owner_key.empty()) config.keys.push_back({.user = "root", .keys = {vm.owner_key + " banger"}});
  // Before `prepare` the VM has no identity yet, and the guest shows no key.
  if (::access(key_path(vm).c_str(), F_OK) < 0) return {};
  config.ssh_host_key = {.private_key = TRY(host::read_file(key_path(vm), limits::kSshKeyFileBytes)),
                         .public_key = TRY(host::read_file(key_path(vm) + ".pub", limits::kSshKeyFileBytes))};
  return {};
}

// -- in the guest

constexpr const char* kDirectory = "/etc/ssh";
constexpr const char* kKeyFile = "/etc/ssh/ssh_host_ed25519_key";
constexpr const char* kPidFile = "/run/sshd.pid";

bool is_key_file(std::string_view name) {
  return name.starts_with("ssh_host_") && (name.ends_with("_key") || name.ends_with("_key.pub"));
}

/// Removes the keys of other types that came with the image or the template.
Result<> remove_other_keys(const guest::Root& root) {
  auto directory = TRY(root.open_path(kDirectory, O_RDONLY | O_DIRECTORY));
  std::error_code error;
  std::filesystem::directory_iterator entry(guest::fd_path(directory.get()), error);
  for (std::filesystem::directory_iterator end; !error && entry != end; entry.increment(error)) {
    auto path = fmt::format("{}/{}", kDirectory, entry->path().filename().native());
    if (is_key_file(entry->path().filename().native()) && !path.starts_with(kKeyFile)) TRY(root.remove_file(path));
  }
  return {};
}

/// A running sshd reads its keys again on SIGHUP (sshd(8)). An sshd that is started for each connection has no pid
/// file.
void tell_sshd(const guest::Root& root) {
  std::string text(trim(root.read_file(kPidFile, 32).value_or("")));
  pid_t pid = 0;
  std::from_chars(text.data(), text.data() + text.size(), pid);
  // The file may be older than the process that has this number now, so the name is checked.
  if (pid > 1 && trim(host::read_file(fmt::format("/proc/{}/comm", pid), 64).value_or("")) == "sshd")
    ::kill(pid, SIGHUP);
}

// The first setting of an option counts (sshd_config(5)), so this file comes before those of the image. Users other
// than root have their keys in their own homes.
constexpr const char* kSettingsDirectory = "/etc/ssh/sshd_config.d";
constexpr const char* kSettingsFile = "/etc/ssh/sshd_config.d/00-banger.conf";
constexpr std::string_view kSettings =
    "PermitRootLogin prohibit-password\n"
    "PubkeyAuthentication yes\n"
    "PasswordAuthentication no\n"
    "KbdInteractiveAuthentication no\n"
    "AuthorizedKeysFile /root/.ssh/authorized_keys .ssh/authorized_keys\n";

/// sshd's StrictModes refuses keys in a home that others may write to.
Result<> settle_home(const guest::Root& root) {
  auto home = TRY(root.make_directory("/root"));
  auto path = guest::fd_path(home.get());
  struct stat info{};
  if (::stat(path.c_str(), &info) < 0) return fail_errno("/root");
  if ((info.st_uid || info.st_gid) && ::chown(path.c_str(), 0, 0) < 0) return fail_errno("/root");
  if ((info.st_mode & 07777) != 0755 && ::chmod(path.c_str(), 0755) < 0) return fail_errno("/root");
  return {};
}

/// Before the image's init starts an sshd. A clone has these files from its template.
Result<> open_for_owner(const GuestTarget& target, const guestcfg::GuestConfig& config) {
  bool for_root = std::ranges::find(config.keys, "root", &guestcfg::UserKeys::user) != config.keys.end();
  if (!for_root || target.mode != ApplyMode::boot) return {};
  auto root = TRY(guest::Root::open(target.root, target.changes));
  TRY(settle_home(root));
  if (!root.exists(kSettingsDirectory)) return {};
  TRY(root.write_file({.path = kSettingsFile, .data = std::string(kSettings)}));
  return {};
}

Result<> apply_host_key(GuestTarget& target, const guestcfg::GuestConfig& config) {
  if (!config.ssh_host_key) return {};
  auto root = TRY(guest::Root::open(target.root, target.changes));
  if (!root.exists(kDirectory)) return {};
  bool live = target.mode == ApplyMode::live;
  guestcfg::File secret{.path = kKeyFile, .mode = 0600, .data = config.ssh_host_key->private_key};
  guestcfg::File open{.path = fmt::format("{}.pub", kKeyFile), .data = config.ssh_host_key->public_key};
  bool changed = TRY(live ? root.update_file(secret) : root.write_file(secret));
  TRY(live ? root.update_file(open) : root.write_file(open));
  // Only together with a new key, so keys that the user adds later stay.
  if (!changed) return {};
  target.later |= live;
  return live ? Result<>() : remove_other_keys(root);
}

Result<> apply(GuestTarget& target, const guestcfg::GuestConfig& config) {
  auto opened = open_for_owner(target, config);
  TRY(apply_host_key(target, config));
  return opened;
}

// A template removed its other keys when it booted, but the user may have added some to a VM that was forked or saved.
Result<> apply_later(GuestTarget& target, const guestcfg::GuestConfig& config) {
  if (!config.ssh_host_key) return {};
  auto root = TRY(guest::Root::open(target.root, target.changes));
  if (!root.exists(kDirectory)) return {};
  TRY(remove_other_keys(root));
  tell_sshd(root);
  return {};
}

}  // namespace

extern const Capability ssh;
constinit const Capability ssh = {
    .name = "ssh", .prepare = prepare, .guest = add_to_guest, .apply = apply, .apply_later = apply_later};

}  // namespace banger::capabilities

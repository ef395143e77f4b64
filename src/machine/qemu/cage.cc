#include "machine/qemu/cage.h"

#include <fmt/format.h>
#include <linux/capability.h>
#include <sys/resource.h>

#include <algorithm>
#include <filesystem>

#include "host/confine.h"
#include "machine/qemu/bounds.h"
#include "machine/vmm_process.h"

namespace banger::machine::qemu {

namespace {

namespace fs = std::filesystem;
using host::FileAccess;
using host::FileRule;

constexpr const char* kResolvers = "/etc/resolv.conf";

// Root's QEMU opens root's files without any capability. But its way to them may lead through a directory of another
// user. Landlock still decides which files it opens.
constexpr std::uint64_t kKeptCapabilities = std::uint64_t{1} << CAP_DAC_OVERRIDE;
// For the user network's ping, on hosts whose net.ipv4.ping_group_range is empty.
constexpr std::uint64_t kPing = std::uint64_t{1} << CAP_NET_RAW;

std::string real_path(const fs::path& path) {
  std::error_code none;
  auto real = fs::canonical(path, none);
  return none ? "" : real.string();
}

class Files {
 public:
  /// Leaves out what does not exist, and what an earlier directory contains.
  void add(const fs::path& path, FileAccess access) {
    auto real = real_path(path);
    auto covers = [&](const FileRule& rule) { return real == rule.path || real.starts_with(rule.path + "/"); };
    if (!real.empty() && std::ranges::none_of(list_, covers)) list_.push_back({std::move(real), access});
  }
  std::vector<FileRule> take() { return std::move(list_); }

 private:
  std::vector<FileRule> list_;
};

// The user network asks the host's resolvers, and reads their addresses again when the file changes. Programs replace
// the file, and the new file has no rule. So the rule is for its directory.
std::string directory_of_resolvers() {
  auto real = real_path(kResolvers);
  return fs::path(real.empty() ? kResolvers : real).parent_path().string();
}

bool reaches_outside(const UserNic& nic) { return !nic.restrict_outside; }
bool needs_sockets(const UserNic& nic) { return reaches_outside(nic) || !nic.forwards.empty(); }

}  // namespace

std::vector<FileRule> files_of(const std::string& binary) {
  fs::path real = real_path(binary);
  if (real.parent_path().filename() != "bin") return {};
  auto prefix = real.parent_path().parent_path();
  Files files;
  files.add(real, FileAccess::run);
  for (auto store : {"/nix/store", "/gnu/store"})  // every package has a prefix of its own there
    if (real.string().starts_with(std::string(store) + "/")) files.add(store, FileAccess::run);
  for (auto libraries : {"/usr/lib", "/usr/lib64", "/usr/local/lib", "/lib", "/lib64"})
    files.add(libraries, FileAccess::run);
  for (auto libraries : {"lib", "lib64"}) files.add(prefix / libraries, FileAccess::run);
  files.add(prefix / "share", FileAccess::read);  // firmware; distributions spread it over several directories
  for (auto file : {"/etc/ld.so.cache", "/etc/ld.so.preload", "/dev/urandom", "/sys/devices/system"})
    files.add(file, FileAccess::read);
  files.add("/dev/null", FileAccess::write);
  return files.take();
}

bool makes_sockets(const MachineConfig& config) { return std::ranges::any_of(config.nics, needs_sockets); }

host::Ruleset rules_of(const QemuFacts& facts, std::string_view accelerator, const MachineConfig& config) {
  host::Ruleset rules{.files = facts.files, .tcp = makes_sockets(config)};
  // A rule keeps its file on the disk until the process is reaped, also after the file was deleted. So the own files
  // get the rule of their directory. But where a disk is a device, root's helper trusts a file there.
  bool whole = std::ranges::none_of(config.drives, &Drive::device);
  auto add = [&](std::string path, FileAccess access) {
    if (!whole || !path.starts_with(config.directory + "/")) rules.files.push_back({std::move(path), access});
  };
  auto own = [&config](std::string_view name) { return fmt::format("{}/{}", config.directory, name); };
  add(config.directory, FileAccess::unlink);  // its sockets, when it ends
  if (whole) add(config.directory, FileAccess::write);
  if (config.console) add(own(kConsoleLog), FileAccess::write);
  for (const auto& drive : config.drives)
    add(drive.path, drive.read_only ? FileAccess::read : drive.device ? FileAccess::device : FileAccess::write);
  if (accelerator == "kvm") add("/dev/kvm", FileAccess::device);
  if (std::ranges::any_of(config.nics, reaches_outside)) add(directory_of_resolvers(), FileAccess::read);
  if (config.restore) {
    // QEMU maps the memory of a saved state copy-on-write, but opens the file for writing all the same.
    add(config.restore->memory, FileAccess::write);
    return rules;
  }
  if (!config.memory_file.empty()) add(config.memory_file, FileAccess::write);
  add(config.kernel, FileAccess::read);
  if (!config.initrds.empty()) add(own(kInitrdFile), FileAccess::read);
  return rules;
}

Result<Cage> Cage::make(const QemuFacts& facts, std::string_view accelerator, const MachineConfig& config) {
  Cage cage(makes_sockets(config) ? host::VmmSockets::internet : host::VmmSockets::none);
  if (facts.landlock) cage.rules_ = TRY(host::make_ruleset(rules_of(facts, accelerator, config)));
  return cage;
}

Result<Cage> Cage::of_questions(const std::vector<host::FileRule>& files) {
  Cage cage(host::VmmSockets::none);
  cage.rules_ = TRY(host::make_ruleset({.files = files}));
  return cage;
}

Result<Cage> Cage::of_probe(const QemuFacts& facts, std::string_view accelerator, const std::string& kernel,
                            const std::string& initrd) {
  Cage cage(host::VmmSockets::none);
  if (!facts.landlock) return cage;
  host::Ruleset rules{.files = facts.files};
  for (const auto& file : {kernel, initrd}) rules.files.push_back({file, FileAccess::read});
  if (accelerator == "kvm") rules.files.push_back({"/dev/kvm", FileAccess::device});
  cage.rules_ = TRY(host::make_ruleset(rules));
  return cage;
}

void Cage::confine(host::SpawnSpec& spec) const {
  confine_vmm(spec);
  spec.capabilities = kKeptCapabilities | (sockets_ == host::VmmSockets::internet ? kPing : 0);
  spec.landlock_fd = rules_.get();
  spec.system_calls = host::vmm_system_calls(sockets_);
  spec.limits.push_back({RLIMIT_NOFILE, limits::kVmmDescriptors, limits::kVmmDescriptors});
}

}  // namespace banger::machine::qemu

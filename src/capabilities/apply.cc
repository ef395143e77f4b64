#include "capabilities/apply.h"

#include <fmt/format.h>

#include "base/text.h"
#include "guest/boot_memory.h"
#include "guest/disks.h"
#include "guest/root.h"
#include "guest/run_command.h"
#include "guest/units.h"
#include "guest/users.h"
#include "host/files.h"

namespace banger::capabilities {

namespace {

/// Logs every failure and keeps the first.
class Outcome {
 public:
  explicit Outcome(const Logger& log) : log_(log) {}

  void add(std::string_view what, Result<> result) {
    if (result) return;
    log_.error("apply", {{"part", what}, {"error", result.error().sentence()}});
    if (first_) first_ = in(what, std::move(result));
  }
  bool failed() const { return !first_.has_value(); }
  Result<> take() { return std::move(first_); }

 private:
  const Logger& log_;
  Result<> first_;
};

/// The roots that a path may be beneath. While the guest boots, its /run is the /run of the initramfs, which is moved
/// over later.
struct Roots {
  guest::Root target, run;

  const guest::Root& of(const std::string& path) const { return path.starts_with("/run/") ? run : target; }
};

Result<Roots> open_roots(const GuestTarget& target) {
  auto root = TRY(guest::Root::open(target.root, target.changes));
  auto run = TRY(guest::Root::open(target.mode == ApplyMode::boot ? "/" : target.root, target.changes));
  return Roots{std::move(root), std::move(run)};
}

void apply_units(GuestTarget& target, const Roots& roots, const guestcfg::GuestConfig& config, Outcome& outcome) {
  if (config.units.empty() || !guest::has_systemd(roots.target)) return;
  // Every boot makes the links in /run anew, so a unit that the config no longer names is free again.
  bool in_image = target.mode == ApplyMode::provision && target.root != "/";
  std::string directory = in_image ? "/etc/systemd/system" : "/run/systemd/system";
  for (const auto& unit : config.units) {
    auto applied = guest::apply_unit(roots.target, roots.of(directory), directory, unit);
    target.units_changed |= applied.value_or(false);
    if (!applied) outcome.add(fmt::format("unit '{}'", unit.name), std::unexpected(std::move(applied).error()));
  }
}

/// A clone has the keys of its template. Every file that a clone reads delays its first command.
bool has_new_keys(const guestcfg::GuestConfig& config, const guestcfg::GuestConfig* before) {
  return !config.keys.empty() && !(before && before->keys == config.keys);
}

void apply_rest(GuestTarget& target, const Roots& roots, const guestcfg::GuestConfig& config, Outcome& outcome) {
  if (target.mode != ApplyMode::provision)
    for (const auto& mount : config.mounts) {
      const auto& root = roots.of(mount.target);
      if (target.changes && !guest::is_mount_point(root, mount.target)) target.changes->add("mount " + mount.target);
      outcome.add(fmt::format("mount '{}'", mount.target), guest::apply_mount(root, mount));
    }
  for (const auto& file : config.files) {
    auto written = roots.of(file.path).write_file(file);
    if (!written) outcome.add(fmt::format("file '{}'", file.path), std::unexpected(std::move(written).error()));
  }
  if (has_new_keys(config, target.before))
    for (const auto& keys : config.keys)
      outcome.add(fmt::format("keys of '{}'", keys.user), guest::apply_keys(roots.target, keys));
  apply_units(target, roots, config, outcome);
}

bool has_rest(const guestcfg::GuestConfig& config, const guestcfg::GuestConfig* before) {
  return !(config.mounts.empty() && config.files.empty() && config.units.empty()) || has_new_keys(config, before);
}

std::string hash_of(const std::vector<std::vector<std::string>>& commands) {
  std::string text;
  for (const auto& argv : commands) {
    for (const auto& word : argv) text += fmt::format("{}:{},", word.size(), word);
    text += ';';
  }
  return host::sha256_hex(text);
}

Result<> run_commands(const guestcfg::GuestConfig& config) {
  if (config.run_once.empty()) return {};
  std::string hash = hash_of(config.run_once);
  if (guest::has_run(hash)) return {};
  for (const auto& argv : config.run_once) TRY(guest::run_command(argv, config.environment));
  return guest::mark_run(hash);
}

}  // namespace

Result<> apply_all(GuestTarget& target, const guestcfg::GuestConfig& config) {
  Outcome outcome(target.log);
  for (const Capability* capability : all()) {
    if (!capability->apply_first || target.mode == ApplyMode::provision) continue;
    outcome.add(capability->name, capability->apply_first(target, config));
  }
  target.identified = !outcome.failed();
  if (target.mode == ApplyMode::live && !target.identified) return outcome.take();
  for (const Capability* capability : all()) {
    if (!capability->apply) continue;
    target.later = false;
    auto applied = capability->apply(target, config);
    if (target.later) target.waiting.push_back(capability);
    if (!applied && capability->essential && target.mode == ApplyMode::boot)
      return in(capability->name, std::move(applied));
    outcome.add(capability->name, std::move(applied));
  }
  if (has_rest(config, target.before)) apply_rest(target, TRY(open_roots(target)), config, outcome);
  if (target.mode == ApplyMode::boot) return {};
  return outcome.take();
}

bool is_brief(const guestcfg::GuestConfig& config, const guestcfg::GuestConfig& before) {
  return config.disks.empty() && config.authority.empty() && !has_rest(config, &before);
}

Result<> apply_later(GuestTarget& target, const guestcfg::GuestConfig& config) {
  Outcome outcome(target.log);
  for (const Capability* capability : target.waiting)
    outcome.add(capability->name, capability->apply_later(target, config));
  return outcome.take();
}

bool needs_settling(const GuestTarget& target, const guestcfg::GuestConfig& config) {
  if (target.mode != ApplyMode::live || !target.identified) return false;
  return target.units_changed || (target.first_boot && !config.run_once.empty());
}

Result<> settle(const GuestTarget& target, const guestcfg::GuestConfig& config) {
  if (!needs_settling(target, config)) return {};
  Outcome outcome(target.log);
  if (target.units_changed)
    outcome.add("units", guest::run_command({"systemctl", "daemon-reload"}, config.environment));
  bool due = !config.run_once.empty() && !guest::has_run(hash_of(config.run_once));
  if (target.changes && target.first_boot && due) target.changes->add("run_once");
  outcome.add("run_once", run_first_boot(target, config));
  return outcome.take();
}

Result<> run_first_boot(const GuestTarget& target, const guestcfg::GuestConfig& config) {
  if (!target.first_boot) return {};
  auto ran = run_commands(config);
  if (target.mode == ApplyMode::boot) TRY(guest::mark_booted());
  return ran;
}

}  // namespace banger::capabilities

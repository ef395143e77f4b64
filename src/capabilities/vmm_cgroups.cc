#include "capabilities/vmm_cgroups.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "capabilities/bounds.h"
#include "host/files.h"

namespace banger::capabilities {

namespace {

constexpr const char* kKind = "cgroup";
constexpr const char* kNoVm = "cgroup";  // the journal's owner of groups that have no VM any more

// Without groups, the kernel may still share the processor between sessions (sched(7)). Each VMM is one.
std::string_view sharing_of(std::string_view autogroup) {
  return trim(autogroup) == "1" ? "the kernel shares the processor between them all the same (autogroup)"
                                : "one with many processors gets more of the processor than another";
}

}  // namespace

host::MachineShare share_of(std::uint32_t vcpus, std::uint64_t memory_bytes) {
  return {.memory_bytes = memory_bytes + std::max(memory_bytes / 4, limits::kVmmShareBytes),
          .tasks = vcpus + limits::kVmmShareTasks};
}

Result<> VmmCgroups::load() {
  for (const auto& entry : TRY(host_.store.journal())) {
    if (entry.kind != kKind) continue;
    if (entry.owner != kNoVm)
      held_[entry.owner] = entry.key;
    else if (host_.cgroups && host_.cgroups->remove(entry.key))
      TRY(host_.store.remove_journal(kNoVm, kKind, entry.key));
  }
  if (!host_.cgroups) return {};
  auto place = host_.cgroups->place();
  auto taken = place ? host::DelegatedCgroup::take(*host_.cgroups, *place) : std::unexpected(place.error());
  if (taken)
    groups_ = std::move(*taken);
  else
    missing_ = std::move(taken).error();
  return {};
}

std::shared_ptr<UniqueFd> VmmCgroups::make(const std::string& vm_id, const vm::Spec& spec) {
  auto made = groups_->make(vm_id, share_of(spec.vcpus, spec.memory_bytes));
  if (made) return std::make_shared<UniqueFd>(std::move(*made));
  host_.log.warn("cgroup.failed", {{"id", vm_id}, {"error", made.error().sentence()}});
  return nullptr;
}

Task<Result<>> VmmCgroups::acquire(const VmContext& vm, machine::MachineConfig& config) {
  if (!groups_) co_return Result<>{};
  co_await release(vm.id);
  auto path = groups_->path_of(vm.id);
  CO_TRY(host_.store.add_journal({0, vm.id, kKind, path}, Durable::no));
  held_[vm.id] = path;
  config.cgroup = make(vm.id, vm.spec);
  co_return Result<>{};
}

Task<Result<>> VmmCgroups::admit(std::string vm_id, const vm::Spec& spec) {
  auto held = held_.find(vm_id);
  if (groups_ && held != held_.end() && held->second == groups_->path_of(vm_id)) (void)make(vm_id, spec);
  co_return Result<>{};
}

Task<> VmmCgroups::release(std::string vm_id) {
  auto held = held_.find(vm_id);
  if (held == held_.end()) co_return;
  auto path = std::move(held->second);
  held_.erase(held);
  // The last thread of a killed process leaves a moment after its end.
  auto until = host::after(limits::kCgroupRemoveDeadline);
  auto busy = [&] {
    auto removed = host_.cgroups ? host_.cgroups->remove(path) : Result<>();
    return !removed && removed.error().code == ErrorCode::busy;
  };
  while (busy() && host::Clock::now() < until) co_await host_.runtime.sleep_for(limits::kCgroupRemovePoll);
  forget_group(vm_id, path);
}

// A group that is still there has no VM from now on. The next daemon tries again.
void VmmCgroups::forget_group(const std::string& vm_id, const std::string& path) {
  auto removed = host_.cgroups ? host_.cgroups->remove(path) : Result<>();
  if (!removed) {
    host_.log.warn("cgroup.leave_failed", {{"id", vm_id}, {"error", removed.error().sentence()}});
    (void)host_.store.add_journal({0, kNoVm, kKind, path});
  }
  (void)host_.store.remove_journal(vm_id, kKind, path, Durable::no);
}

std::vector<std::string> VmmCgroups::holders() const {
  std::vector<std::string> ids;
  for (const auto& [id, path] : held_) ids.push_back(id);
  return ids;
}

std::vector<Leftover> VmmCgroups::leftovers() {
  std::vector<Leftover> found;
  if (!groups_) return found;
  for (const auto& name : groups_->names())
    if (!held_.contains(name)) found.push_back({kKind, groups_->path_of(name), "no machine runs in it", this});
  return found;
}

Task<Result<>> VmmCgroups::remove(Leftover leftover) { co_return host_.cgroups->remove(leftover.path); }

Check VmmCgroups::state() const {
  if (groups_)
    return {
        "cgroups", CheckStatus::pass,
        fmt::format("each VMM has one of its own below {}: {}", groups_->parent(), join(groups_->controllers(), ", ")),
        ""};
  auto autogroup = host::read_file("/proc/sys/kernel/sched_autogroup_enabled", 16).value_or("0");
  return {"cgroups", CheckStatus::warn,
          fmt::format("VMMs have no cgroups of their own, and {}: {}", sharing_of(autogroup), missing_.message),
          missing_.hint};
}

Task<std::vector<Check>> VmmCgroups::checks() { co_return std::vector<Check>{state()}; }

Task<> VmmCgroups::close() {
  if (groups_) groups_->end();
  co_return;
}

extern const Capability vmm_cgroups;
constinit const Capability vmm_cgroups = {.name = "vmm_cgroups", .resource = make_host_resource<VmmCgroups>};

}  // namespace banger::capabilities

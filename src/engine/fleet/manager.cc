#include "engine/fleet/manager.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/bounds.h"
#include "base/text.h"
#include "config/defaults.h"
#include "engine/assets.h"
#include "engine/names.h"
#include "host/files.h"
#include "host/memory.h"

namespace banger::engine {

VmManager::VmManager(Services& services)
    : services_(services),
      recovery_(services.runtime),
      foreground_(services.runtime),
      templates_(services,
                 {.make =
                      [this](const vm::Spec& spec, const image::Image& image, const std::string& kernel) {
                        return record({.purpose = "template", .image_id = image.id, .kernel = kernel, .spec = spec});
                      },
                  .remove = [this](std::shared_ptr<VmOwner> vm) { return remove(std::move(vm), true); }}),
      pool_(services, foreground_,
            {.make = [this](const store::SaveRow& save) -> Result<std::shared_ptr<VmOwner>> {
               auto spec = TRY(vm::spec_from_json(TRY(parse_json(save.spec, limits::kRpcMessageBytes))));
               return record({.purpose = "pool",
                              .image_id = save.image_id,
                              .kernel = save.kernel,
                              .save_id = save.id,
                              .spec = std::move(spec)});
             },
             .remove = [this](std::shared_ptr<VmOwner> vm) { return remove(std::move(vm), true); },
             .room = [this](std::uint64_t memory_bytes) { return check_memory(memory_bytes).has_value(); }}) {}

Result<> VmManager::load() {
  for (auto& row : TRY(services_.store.vms())) {
    auto json = TRY(in(fmt::format("the record of vm '{}'", row.name), parse_json(row.spec, limits::kRpcMessageBytes)));
    auto spec = TRY(in(fmt::format("the record of vm '{}'", row.name), vm::spec_from_json(json)));
    auto id = row.id;
    services_.saves.use(row.save_id);
    vms_[id] = std::make_shared<VmOwner>(services_, std::move(row), std::move(spec));
  }
  services_.saves.sweep();
  return {};
}

Task<> VmManager::recover_one(std::shared_ptr<VmOwner> vm) {
  auto what = co_await vm->recover();
  if (!what) {
    services_.log.error("vm.recover_failed", {{"vm", vm->row().name}, {"error", what.error().sentence()}});
    recovered_.push_back(fmt::format("vm '{}': could not be recovered: {}", vm->row().name, what.error().message));
  } else if (!what->empty()) {
    services_.log.info("vm.recovered", {{"vm", vm->row().name}, {"what", *what}});
    recovered_.push_back(*what);
  }
  // A pool machine that lived on is as good as before; a template in the making is begun anew by whoever needs it.
  bool pooled = vm->row().purpose == "pool" && vm->state() == vm::State::running && vm->row().way == "clone";
  if (pooled) {
    pool_.adopt(vm);
  } else if (vm->row().purpose != "user" && !vm->gone()) {
    if (auto removed = co_await vm->remove(true); !removed)
      services_.log.error("vm.recover_failed", {{"vm", vm->row().name}, {"error", removed.error().sentence()}});
  }
  if (vm->gone()) vms_.erase(vm->row().id);
  --recovering_;
  recovery_.notify_all();
}

Task<> VmManager::recover_all(host::Deadline deadline) {
  for (const auto& vm : everything()) {
    ++recovering_;
    services_.runtime.spawn(recover_one(vm));
  }
  while (recovering_ > 0 && host::Clock::now() < deadline) co_await recovery_.wait(deadline);
}

std::vector<std::shared_ptr<VmOwner>> VmManager::everything() const {
  std::vector<std::shared_ptr<VmOwner>> all;
  for (const auto& [id, vm] : vms_) all.push_back(vm);
  return all;
}

std::vector<std::shared_ptr<VmOwner>> VmManager::list() const {
  auto all = everything();
  std::erase_if(all, [](const auto& vm) { return vm->row().purpose != "user"; });
  std::sort(all.begin(), all.end(), [](const auto& a, const auto& b) {
    return std::pair(a->row().created_at, a->row().number) < std::pair(b->row().created_at, b->row().number);
  });
  return all;
}

Result<std::shared_ptr<VmOwner>> VmManager::get(std::string_view wanted) const {
  std::vector<std::shared_ptr<VmOwner>> by_prefix;
  std::vector<std::string> names;
  for (const auto& [id, vm] : vms_) {
    if (vm->row().purpose != "user") continue;
    if (id == wanted || vm->row().name == wanted) return vm;
    if (!wanted.empty() && id.starts_with(wanted)) by_prefix.push_back(vm);
    names.push_back(vm->row().name);
  }
  if (by_prefix.size() == 1) return by_prefix.front();
  if (by_prefix.size() > 1) {
    std::vector<std::string> matches;
    for (const auto& vm : by_prefix) matches.push_back(fmt::format("{} ({})", vm->row().id, vm->row().name));
    return fail(ErrorCode::invalid, fmt::format("'{}' is the start of several VM ids: {}", wanted, join(matches, ", ")),
                "give more of the id");
  }
  auto close = nearest(wanted, names);
  return fail(ErrorCode::not_found, fmt::format("there is no VM '{}'", printable(wanted, 80)),
              close.empty() ? "banger vm list shows them" : fmt::format("did you mean {}?", fmt::join(close, " or ")));
}

Task<> VmManager::sweep_snapshots() {
  for (const auto& id : services_.snapshots.recorded()) {
    auto vm = vms_.find(id);
    if (vm == vms_.end())
      (void)co_await services_.snapshots.detach(id);
    else
      co_await std::shared_ptr(vm->second)->drop_device();
  }
}

void VmManager::for_each_vm(std::function<void(std::shared_ptr<VmOwner>)> told) {
  told_of_new_ = std::move(told);
  for (const auto& vm : everything()) told_of_new_(vm);
}

const VmOwner* VmManager::find_exactly(std::string_view wanted) const {
  if (auto it = vms_.find(wanted); it != vms_.end()) return it->second.get();
  for (const auto& [id, vm] : vms_)
    if (vm->row().name == wanted) return vm.get();
  return nullptr;
}

Result<> VmManager::check_is_free(std::string_view name) const {
  if (!find_exactly(name)) return {};
  return fail(ErrorCode::exists, fmt::format("a VM named '{}' exists already", printable(name, 80)),
              "choose another name, or delete that one");
}

std::string VmManager::free_name() const {
  for (;;) {
    auto name = made_up_name(host::random_bytes(4));
    if (std::none_of(vms_.begin(), vms_.end(), [&](const auto& entry) { return entry.second->row().name == name; }))
      return name;
  }
}

Result<std::shared_ptr<VmOwner>> VmManager::record(Record what) {
  store::VmRow row;
  row.id = random_id();
  // A name no user can give, for those that are nobody's.
  row.name = what.purpose == "user" ? what.name : "." + row.id;
  row.state = vm::to_string(vm::State::creating);
  row.spec = dump_json(vm::to_json(what.spec));
  row.image_id = what.image_id;
  row.kernel = what.kernel;
  row.purpose = what.purpose;
  row.save_id = what.save_id;
  row.ephemeral = what.ephemeral;
  row.created_at = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
  row.number = TRY(services_.store.insert_vm(row, {{0, row.id, "directory", services_.paths.vm(row.id)}}));
  services_.saves.use(row.save_id);
  auto vm = std::make_shared<VmOwner>(services_, row, std::move(what.spec));
  vms_[row.id] = vm;
  if (told_of_new_) told_of_new_(vm);
  return vm;
}

Result<> VmManager::check_memory(std::uint64_t memory_bytes) const {
  auto available = TRY(host::available_memory());
  std::uint64_t promised = 0;
  for (const auto& [id, vm] : vms_) {
    auto machine = vm->machine();
    if (!machine || !machine->running()) {
      if (vm->state() == vm::State::starting || vm->state() == vm::State::creating) promised += vm->spec().memory_bytes;
      continue;
    }
    auto own = machine->own_memory_bytes();
    if (vm->spec().memory_bytes > own) promised += vm->spec().memory_bytes - own;
  }
  auto allowed = available / 100 * services_.config.memory_overcommit;
  if (promised + memory_bytes + (memory_bytes ? limits::kVmmOverheadBytes : 0) <= allowed) return {};
  return fail(
      ErrorCode::exhausted,
      fmt::format("a VM of {} does not fit: {} of memory are free, of which {} are promised to machines that run",
                  format_size(memory_bytes), format_size(available), format_size(promised)),
      "stop other VMs, give this one less --memory, or see memory_overcommit in the config");
}

// The pool only borrows what it has.
Task<Result<>> VmManager::make_room(std::uint64_t memory_bytes) {
  auto room = check_memory(memory_bytes);
  if (room || pool_.members().empty()) co_return room;
  co_await pool_.let_go();
  co_return check_memory(memory_bytes);
}

Task<Result<>> VmManager::make_room_for(const VmOwner& vm) {
  if (vm.state() == vm::State::running) co_return Result<>{};
  co_return co_await make_room(vm.spec().memory_bytes);
}

Result<vm::Spec> VmManager::template_spec(const vm::Spec& spec) const {
  auto defaults = config::resolve_defaults(
      services_.config, {.cpus = services_.host_size.cpus, .memory_bytes = services_.host_size.memory_bytes});
  vm::Spec wanted;
  wanted.image = spec.image;
  wanted.kernel = spec.kernel;
  wanted.network = spec.network;
  wanted.storage = spec.storage;
  wanted.vcpus = spec.vcpus;
  wanted.memory_bytes = spec.memory_bytes;
  wanted.disk_bytes = std::min(spec.disk_bytes, defaults.disk_bytes.value);
  wanted.system_bytes = std::min(spec.system_bytes, defaults.system_bytes.value);
  // QEMU gives each clone a network of its own; a machine of Firecracker keeps the devices it was saved with.
  if (services_.config.machine == "firecracker") wanted.nat = spec.nat;
  return wanted;
}

// The template to clone, or "" to boot.
Task<Result<std::string>> VmManager::choose_template(const CreateRequest& request, const image::Image& image,
                                                     const image::Kernel& kernel, Stages& stages,
                                                     host::Cancel& cancel) {
  if (request.cold || !request.start || !services_.config.templates) co_return std::string();
  auto spec = CO_TRY(template_spec(request.spec));
  auto found =
      co_await templates_.find_or_build({.spec = std::move(spec), .image = image, .kernel = kernel}, stages, cancel);
  CO_TRY(cancel.check());
  if (found) co_return found->id;
  stages.detail(fmt::format("booting instead: {}", found.error().sentence()), -1);
  co_return std::string();
}

Task<std::shared_ptr<VmOwner>> VmManager::take_from_pool(const CreateRequest& request, const std::string& name,
                                                         const std::string& save_id, Stages& stages) {
  // Whether the pool's machines reach the outside is fixed when a machine starts, but on the bridge: QEMU's do.
  bool alike = request.spec.nat || request.spec.network == "bridge" || services_.config.machine == "firecracker";
  // The size of a device is fixed when its machine starts.
  if (request.spec.storage == "dm-snapshot" && request.spec.system_bytes != template_spec(request.spec)->system_bytes)
    alike = false;
  auto vm = alike ? pool_.take(save_id) : nullptr;
  if (!vm) co_return nullptr;
  auto handed = co_await vm->hand_over(name, request.spec, request.ephemeral, stages);
  if (handed && request.wait == WaitFor::system) handed = co_await vm->await_system(stages);
  if (handed) co_return vm;
  services_.log.warn("pool.hand_over_failed", {{"id", vm->row().id}, {"error", handed.error().sentence()}});
  (void)co_await remove(vm, true);
  co_return nullptr;
}

// A guest that does not come up is kept, so that its logs can be read; one nobody waits for any more is not.
Task<Result<>> VmManager::finish_create(std::shared_ptr<VmOwner> vm, const CreateRequest& request, std::string disks_of,
                                        Stages& stages, host::Cancel& cancel) {
  auto made = co_await vm->make(stages, cancel, std::move(disks_of));
  if (made && request.start) {
    made = co_await vm->start(stages, cancel, request.wait);
    if (!made && made.error().code != ErrorCode::cancelled && vm->machine_was_started()) {
      (void)vm->keep();
      co_return made;
    }
  }
  if (made) co_return made;
  auto error = std::move(made).error().in(fmt::format("create vm '{}'", vm->row().name));
  if (auto undone = co_await remove(vm, true); !undone)
    services_.log.error("vm.undo_failed", {{"vm", vm->row().name}, {"error", undone.error().sentence()}});
  co_return std::unexpected(std::move(error));
}

Task<Result<std::shared_ptr<VmOwner>>> VmManager::create(CreateRequest request, Stages& stages, host::Cancel& cancel) {
  if (!request.name.empty()) {
    CO_TRY(vm::check_name(request.name));
    // Asked early, before an image is built for nothing; the store decides for good.
    CO_TRY(check_is_free(request.name));
  }
  CO_TRY(vm::check_spec(request.spec, services_.host_size));
  for (const auto* capability : capabilities::all())
    if (capability->check)
      CO_TRY(in(capability->name, capability->check({.spec = request.spec, .state_directory = services_.paths.state})));
  if (request.spec.storage == "dm-snapshot") CO_TRY(services_.snapshots.check());
  Record what{.purpose = "user", .spec = request.spec, .ephemeral = request.ephemeral};
  std::string disks_of = request.from;
  if (!request.from.empty()) {
    auto save = CO_TRY(services_.saves.get(request.from));
    what.image_id = save.image_id;
    what.kernel = save.kernel;
    if (!save.machine.empty()) what.save_id = save.id;
  } else {
    auto image = CO_TRY(co_await ensure_image(services_, request.spec.image, stages, cancel));
    auto kernel = CO_TRY(co_await ensure_kernel(
        services_, request.spec.kernel.empty() ? image.kernel : request.spec.kernel, stages, cancel));
    // While the kernel was pulled, a rebuild may have replaced the image and removed it.
    image = CO_TRY(services_.images.get(request.spec.image));
    what.image_id = image.id;
    what.kernel = kernel.name;
    what.save_id = disks_of = CO_TRY(co_await choose_template(request, image, kernel, stages, cancel));
  }
  CO_TRY(cancel.check());
  what.name = request.name.empty() ? free_name() : request.name;
  if (request.from.empty() && !what.save_id.empty()) {
    pool_.want(what.save_id);
    if (auto pooled = co_await take_from_pool(request, what.name, what.save_id, stages)) co_return pooled;
  }
  if (request.start) CO_TRY(co_await make_room(request.spec.memory_bytes));
  auto vm = CO_TRY(record(std::move(what)));
  CO_TRY(co_await finish_create(vm, request, std::move(disks_of), stages, cancel));
  co_return vm;
}

Task<Result<>> VmManager::remove(std::shared_ptr<VmOwner> vm, bool force) {
  CO_TRY(co_await vm->remove(force));
  vms_.erase(vm->row().id);
  co_return Result<>{};
}

Task<> VmManager::remove_unasked(std::shared_ptr<VmOwner> vm) {
  if (auto gone = co_await remove(vm, true); !gone)
    services_.log.error("vm.remove_failed", {{"vm", vm->row().name}, {"error", gone.error().sentence()}});
}

Task<> VmManager::stop_stale() {
  auto limit = services_.config.auto_stop_stale_after;
  if (limit.count() == 0) co_return;
  auto look = std::clamp<std::chrono::milliseconds>(limit / 4, std::chrono::seconds(1), std::chrono::minutes(1));
  for (;;) {
    co_await services_.runtime.sleep_for(look);
    for (const auto& vm : list()) {
      if (vm->idle_for() < limit) continue;
      services_.log.info("vm.stale", {{"vm", vm->row().name}, {"action", services_.config.auto_stop_action}});
      Stages stages{Report{}};
      auto ended = services_.config.auto_stop_action == "suspend" ? co_await vm->suspend(stages)
                                                                  : co_await vm->stop(limits::kStopDeadline);
      if (!ended) services_.log.warn("vm.stale_failed", {{"vm", vm->row().name}, {"error", ended.error().sentence()}});
    }
  }
}

Task<> VmManager::drop_templates(std::function<bool(const store::SaveRow&)> which) {
  for (const auto& row : services_.saves.list("template")) {
    if (!row.ready || !which(row)) continue;
    (void)services_.saves.retire(row.id);
    co_await pool_.let_go_of_template(row.id);
  }
}

std::vector<std::string> VmManager::users(
    const std::function<bool(const std::string& image_id, const std::string& kernel)>& uses) const {
  std::vector<std::string> names;
  for (const auto& [id, vm] : vms_) {
    const auto& row = vm->row();
    if (row.purpose == "pool" || !uses(row.image_id, row.kernel)) continue;
    names.push_back(row.purpose == "user" ? row.name : "(a template in the making)");
  }
  for (const auto& row : services_.saves.list("snapshot"))
    if (uses(row.image_id, row.kernel)) names.push_back(fmt::format("(snapshot {})", row.name));
  return names;
}

std::vector<std::string> VmManager::users_of_image(std::string_view image_id) const {
  return users([&](const std::string& image, const std::string&) { return image == image_id; });
}

std::vector<std::string> VmManager::users_of_kernel(std::string_view kernel) const {
  return users([&](const std::string&, const std::string& name) { return name == kernel; });
}

std::vector<std::string> VmManager::users_of_save(std::string_view save_id) const {
  std::vector<std::string> names;
  for (const auto& vm : list())
    if (vm->row().save_id == save_id) names.push_back(vm->row().name);
  return names;
}

}  // namespace banger::engine

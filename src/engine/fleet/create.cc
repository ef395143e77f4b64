#include "engine/fleet/create.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "base/text.h"
#include "engine/assets.h"
#include "host/files.h"

namespace banger::engine {

Result<std::shared_ptr<VmOwner>> record_vm(Services& services, VmRegistry& registry, NewVm what) {
  store::VmRow row;
  row.id = host::random_id();
  // Templates and pool machines get a name that no user can choose.
  row.name = what.purpose == store::Purpose::user ? what.name : "." + row.id;
  row.state = vm::to_string(vm::State::creating);
  row.spec = dump_json(vm::to_json(what.spec));
  row.image_id = what.image_id;
  row.kernel = what.kernel;
  row.purpose = what.purpose;
  row.save_id = what.save_id;
  row.ephemeral = what.ephemeral;
  row.created_at = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
  row.number = TRY(services.store.insert_vm(row, {{0, row.id, "directory", services.paths.vm(row.id)}}));
  services.saves.use(row.save_id);
  auto vm = std::make_shared<VmOwner>(services, row, std::move(what.spec));
  registry.add(vm);
  return vm;
}

bool same_reach(const vm::Spec& wanted, const vm::Spec& of_template) {
  return wanted.network != vm::Network::user || vm::reaches_outside(wanted) == vm::reaches_outside(of_template);
}

bool same_device_sizes(const vm::Spec& wanted, const vm::Spec& of_template) {
  return wanted.storage != vm::Storage::dm_snapshot || wanted.system_bytes == of_template.system_bytes;
}

Result<> VmCreation::check(const CreateRequest& request) const {
  if (!request.name.empty()) {
    TRY(vm::check_name(request.name));
    // Checked early, so that no image is built in vain. The store makes the final decision.
    TRY(registry_.check_is_free(request.name));
  }
  TRY(vm::check_spec(request.spec, services_.host_size));
  for (const auto* capability : capabilities::all())
    if (capability->check) TRY(capability->check({.spec = request.spec, .state_directory = services_.paths.state}));
  TRY(services_.resources.check(request.spec));
  return {};
}

// The template to clone, or "" to boot.
Task<Result<std::string>> VmCreation::choose_template(const CreateRequest& request, const image::Image& image,
                                                      const image::Kernel& kernel, Stages& stages,
                                                      host::Cancel& cancel) {
  if (request.cold || !request.start || !services_.config.templates) co_return std::string();
  auto spec = template_spec(request.spec, services_.config, services_.host_size);
  auto found =
      co_await templates_.find_or_build({.spec = std::move(spec), .image = image, .kernel = kernel}, stages, cancel);
  CO_TRY(cancel.check());
  if (found) co_return found->id;
  stages.detail(fmt::format("the VM boots instead: {}", found.error().sentence()), -1);
  co_return std::string();
}

Task<Result<VmCreation::Origin>> VmCreation::find_origin(const CreateRequest& request, Stages& stages,
                                                         host::Cancel& cancel) {
  NewVm record{.purpose = store::Purpose::user, .spec = request.spec, .ephemeral = request.ephemeral};
  if (!request.from.empty()) {
    auto save = CO_TRY(services_.saves.get(request.from));
    record.image_id = save.image_id;
    record.kernel = save.kernel;
    if (save.has_memory()) record.save_id = save.id;
    co_return Origin{std::move(record), request.from};
  }
  auto image = CO_TRY(co_await ensure_image(services_, request.spec.image, stages, cancel));
  auto kernel = CO_TRY(co_await ensure_kernel(
      services_, request.spec.kernel.empty() ? image.kernel : request.spec.kernel, stages, cancel));
  // While the kernel was being pulled, a rebuild may have replaced and removed the image.
  image = CO_TRY(services_.images.get(request.spec.image));
  record.image_id = image.id;
  record.kernel = kernel.name;
  record.save_id = CO_TRY(co_await choose_template(request, image, kernel, stages, cancel));
  auto disks_of = record.save_id;
  co_return Origin{std::move(record), std::move(disks_of)};
}

// Null when the pool has no machine that can become this VM.
Task<std::shared_ptr<VmOwner>> VmCreation::take_from_pool(const CreateRequest& request, const NewVm& record,
                                                          Stages& stages, host::Cancel& cancel) {
  auto shape = template_spec(request.spec, services_.config, services_.host_size);
  bool alike = same_reach(request.spec, shape) && same_device_sizes(request.spec, shape);
  auto vm = alike ? pool_.take(record.save_id) : nullptr;
  if (!vm) co_return nullptr;
  keep_values(vm->record().id(), request);
  auto claimed = co_await vm->claim({.name = record.name,
                                     .spec = request.spec,
                                     .ephemeral = request.ephemeral,
                                     .wait = request.wait,
                                     .given_up = [&cancel] { return cancel.requested(); }},
                                    stages);
  if (claimed) co_return vm;
  services_.log.warn("pool.claim_failed", {{"id", vm->record().id()}, {"error", claimed.error().sentence()}});
  (void)co_await undo(vm);
  co_return nullptr;
}

// In memory before the VM starts, because its gate gets them then.
void VmCreation::keep_values(const std::string& vm_id, const CreateRequest& request) {
  if (!services_.secrets) return;
  if (!request.secrets_of.empty()) services_.secrets->values().inherit(vm_id, request.secrets_of);
  services_.secrets->values().add(vm_id, request.secret_values);
}

Task<Result<>> VmCreation::undo(std::shared_ptr<VmOwner> vm) {
  CO_TRY(co_await vm->remove(Force::yes));
  registry_.forget(vm->record().id());
  co_return Result<>{};
}

// A VM whose guest does not become ready is kept, so that users can read its logs. After a cancel the VM is undone.
Task<Result<>> VmCreation::bring_up(std::shared_ptr<VmOwner> vm, const CreateRequest& request, std::string disks_of,
                                    Stages& stages, host::Cancel& cancel) {
  auto made = co_await vm->make(stages, cancel, std::move(disks_of), request.start ? Durable::no : Durable::yes);
  if (made && request.start) {
    made = co_await vm->start(stages, cancel, request.wait);
    if (!made && made.error().code != ErrorCode::cancelled && vm->parts().machine->was_started()) {
      (void)vm->make_permanent();
      co_return made;
    }
  }
  if (made) co_return made;
  auto error = std::move(made).error().in(fmt::format("create vm '{}'", vm->record().name()));
  if (auto undone = co_await undo(vm); !undone)
    services_.log.error("vm.undo_failed", {{"vm", vm->record().name()}, {"error", undone.error().sentence()}});
  co_return std::unexpected(std::move(error));
}

Task<Result<std::shared_ptr<VmOwner>>> VmCreation::create(CreateRequest request, Stages& stages, host::Cancel& cancel) {
  CO_TRY(check(request));
  auto origin = CO_TRY(co_await find_origin(request, stages, cancel));
  CO_TRY(cancel.check());
  auto& record = origin.record;
  record.name = request.name.empty() ? registry_.free_name() : request.name;
  if (request.from.empty() && !record.save_id.empty()) {
    pool_.note_use(record.save_id);
    if (auto pooled = co_await take_from_pool(request, record, stages, cancel)) co_return pooled;
    CO_TRY(cancel.check());
  }
  if (request.start) CO_TRY(co_await memory_.make_room(request.spec.memory_bytes, pool_));
  auto vm = CO_TRY(record_vm(services_, registry_, std::move(record)));
  keep_values(vm->record().id(), request);
  CO_TRY(co_await bring_up(vm, request, std::move(origin.disks_of), stages, cancel));
  co_return vm;
}

}  // namespace banger::engine

// vm.suspend, vm.resume, vm.fork and vm.snapshot.*: the methods that make or use saved states.
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "api/objects/snapshot.h"
#include "base/text.h"
#include "host/files.h"
#include "roles/daemon/bounds.h"
#include "roles/daemon/methods/methods.h"
#include "roles/daemon/methods/vm_object.h"

namespace banger::roles::daemon {

namespace {

Result<store::SaveRow> named_snapshot(Daemon& daemon, const std::string& wanted) {
  std::vector<std::string> names;
  for (auto& row : daemon.services.saves.list(store::SaveKind::snapshot)) {
    if (!row.ready) continue;
    if (row.id == wanted || row.name == wanted) return row;
    names.push_back(row.name);
  }
  return fail(ErrorCode::not_found, fmt::format("there is no snapshot '{}'", printable(wanted, 80)),
              nearest(wanted, names).empty() ? "banger vm snapshot list" : did_you_mean(wanted, names));
}

Result<api::SnapshotObject> describe(Daemon& daemon, const store::SaveRow& row) {
  auto spec = TRY(vm::spec_from_json(TRY(parse_json(row.spec, limits::kRpcMessageBytes))));
  auto image = daemon.services.images.get(row.image_id);
  return api::SnapshotObject{
      .id = row.id,
      .name = row.name,
      .vm = row.vm_name,
      .vm_id = row.vm_id,
      .image = image ? image->name : spec.image,
      .kernel = row.kernel,
      .vcpus = spec.vcpus,
      .memory_bytes = spec.memory_bytes,
      .disk_bytes = spec.disk_bytes,
      .system_bytes = spec.system_bytes,
      .has_memory = row.has_memory(),
      .created_at = row.created_at,
      .size_bytes = daemon.services.saves.disk_usage(row.id),
      .used_by = daemon.vms.registry().users_of_save(row.id),
  };
}

Task<Result<Json>> suspend(Daemon& daemon, const Json& params, rpc::CallContext& context) {
  auto vm = CO_TRY(named_vm(daemon, params));
  engine::Stages stages(report_to(context));
  CO_TRY(co_await vm->suspend(stages));
  co_return api::to_json(vm_object(daemon.services, *vm));
}

Task<Result<Json>> resume(Daemon& daemon, const Json& params, rpc::CallContext& context) {
  auto vm = CO_TRY(named_vm(daemon, params));
  if (vm->record().state() == vm::State::stopped)
    co_return fail(ErrorCode::invalid, fmt::format("vm '{}' is stopped, not suspended", vm->record().name()),
                   fmt::format("banger vm start {}", vm->record().name()));
  engine::Stages stages(report_to(context));
  auto ports = CO_TRY(reserve_ports(daemon, *vm));
  CO_TRY(co_await daemon.vms.make_room_for(*vm));
  CO_TRY(co_await vm->start(stages, context.cancel(), engine::WaitFor::agent));
  co_return api::to_json(vm_object(daemon.services, *vm));
}

// ---- forks

struct ForkNames {
  std::vector<std::string> names;  ///< one for each child; banger makes up a name for an empty one
};

Result<ForkNames> fork_names(const Json& params) {
  auto count = TRY(find_int(params, "count")).value_or(1);
  auto names = TRY(find_strings(params, "names"));
  if (!names.empty() && names.size() != static_cast<std::size_t>(count))
    return fail(ErrorCode::invalid, "parameter 'names' must have one name for each child");
  for (const auto& name : names) TRY(vm::check_name(name));
  names.resize(static_cast<std::size_t>(count));
  return ForkNames{std::move(names)};
}

// The children of a fork. Each child is made in a coroutine of its own, which wakes the caller at its end.
struct Children {
  explicit Children(host::Runtime& runtime) : changed(runtime) {}
  bool begun = false;
  std::size_t under_way = 0;
  std::vector<std::shared_ptr<engine::VmOwner>> made;
  std::optional<Error> first_error;
  host::Event changed;
};

Task<> make_child(Daemon* daemon, std::shared_ptr<Children> children, std::size_t index, engine::CreateRequest request,
                  std::shared_ptr<host::Cancel> cancel) {
  engine::Stages stages{engine::Report{}};
  auto vm = co_await daemon->vms.create(std::move(request), stages, *cancel);
  if (vm)
    children->made[index] = *vm;
  else if (!children->first_error)
    children->first_error = vm.error();
  --children->under_way;
  children->changed.notify_all();
}

// A running fork. Its children are begun once, possibly while their parent is still being saved.
struct Fork {
  Daemon& daemon;
  ForkNames wanted;
  vm::Spec spec;
  std::string parent_id;
  bool start = true;
  std::shared_ptr<Children> children = std::make_shared<Children>(daemon.services.runtime);
  std::shared_ptr<host::Cancel> stop = std::make_shared<host::Cancel>(daemon.services.runtime);
};

void begin_children(Fork& fork, const store::SaveRow& save, engine::Stages& stages) {
  if (std::exchange(fork.children->begun, true)) return;
  stages.begin("clone", fmt::format("{} of {}", fork.wanted.names.size(), save.vm_name));
  // This use keeps the saved state until all children are made. Otherwise the first child that fails would remove it.
  fork.daemon.services.saves.use(save.id);
  fork.children->under_way = fork.wanted.names.size();
  fork.children->made.resize(fork.wanted.names.size());
  for (std::size_t i = 0; i < fork.wanted.names.size(); ++i) {
    // Until the fork is complete, a new daemon deletes what a dead one had made of it.
    engine::CreateRequest request{.name = fork.wanted.names[i],
                                  .spec = fork.spec,
                                  .start = fork.start,
                                  .from = save.id,
                                  .ephemeral = true,
                                  .secrets_of = fork.parent_id};
    fork.daemon.services.runtime.spawn(make_child(&fork.daemon, fork.children, i, std::move(request), fork.stop));
  }
}

// The fork is complete, and its client is about to be told of the children.
Result<> keep(const Children& children) {
  for (const auto& vm : children.made)
    if (!vm->record().gone()) TRY(vm->make_permanent());
  return {};
}

// `saved` is the outcome of saving the parent.
Task<Result<std::vector<api::VmObject>>> await_children(Fork& fork, const Result<engine::SavedVm>& saved,
                                                        host::Cancel& cancel) {
  auto& children = fork.children;
  while (children->under_way > 0) {
    if (!saved || cancel.requested() || children->first_error) fork.stop->request();
    co_await children->changed.wait(host::after(limits::kForkPoll));
  }
  if (saved && !children->first_error)
    if (auto kept = keep(*children); !kept) children->first_error = std::move(kept).error();
  std::vector<api::VmObject> vms;
  for (const auto& vm : children->made)
    if (vm) vms.push_back(listed_vm_object(fork.daemon.services, *vm));
  if (saved && !children->first_error) co_return vms;
  // If one child fails, the fork fails as a whole, so no child is kept.
  for (const auto& vm : children->made)
    if (vm) (void)co_await fork.daemon.vms.remove(vm, engine::Force::yes);
  co_return std::unexpected(
      children->first_error.value_or(Error{ErrorCode::unavailable, "the state of the parent could not be saved"}));
}

Task<Result<Json>> fork(Daemon& daemon, const Json& params, rpc::CallContext& context) {
  auto vm = CO_TRY(named_vm(daemon, params));
  auto wanted = CO_TRY(fork_names(params));
  for (const auto& name : wanted.names)
    if (!name.empty()) CO_TRY(daemon.vms.registry().check_is_free(name));
  auto start = CO_TRY(find_bool(params, "start")).value_or(true);
  CO_TRY(daemon.vms.check_memory(vm->record().spec().memory_bytes * wanted.names.size()));
  engine::Stages stages(report_to(context));
  store::SaveRow row;
  row.kind = store::SaveKind::fork;
  Fork fork{.daemon = daemon,
            .wanted = std::move(wanted),
            .spec = vm->record().spec(),
            .parent_id = vm->record().id(),
            .start = start};
  fork.spec.publish.clear();  // they are the parent's
  // A single child starts while its parent is being saved. Several children would make the parent's pause longer.
  engine::CanStart can_start;
  if (fork.wanted.names.size() == 1)
    can_start = [&](const store::SaveRow& save) { begin_children(fork, save, stages); };
  auto saved = co_await vm->save_as(std::move(row), stages, std::move(can_start));
  if (saved) begin_children(fork, saved->row, stages);
  auto vms = co_await await_children(fork, saved, context.cancel());
  auto what = fmt::format("fork vm '{}'", vm->record().name());
  auto done = CO_TRY(in(what, std::move(saved)));
  daemon.services.saves.release(done.row.id);
  for (const auto& child : fork.children->made)
    if (vms && child) child->record().report(vm::Event::forked, vm->record().name());
  co_return api::to_json(api::ForkResult{
      .vms = CO_TRY(in(what, std::move(vms))),
      .pause_ms = std::chrono::duration<double, std::milli>(done.pause).count(),
  });
}

// ---- snapshots

Task<Result<Json>> snapshot_create(Daemon& daemon, const Json& params, rpc::CallContext& context) {
  auto vm = CO_TRY(named_vm(daemon, params));
  store::SaveRow row;
  row.kind = store::SaveKind::snapshot;
  row.name = CO_TRY(find_string(params, "name"))
                 .value_or(fmt::format("{}-{}", vm->record().name().substr(0, 50), host::random_id().substr(0, 6)));
  CO_TRY(vm::check_snapshot_name(row.name));
  engine::Stages stages(report_to(context));
  auto saved = CO_TRY(co_await vm->save_as(std::move(row), stages));
  co_return api::to_json(CO_TRY(describe(daemon, saved.row)));
}

Task<Result<Json>> snapshot_list(Daemon& daemon, const Json& params, rpc::CallContext&) {
  std::string vm_id;
  if (params.contains("vm")) vm_id = CO_TRY(named_vm(daemon, params))->record().id();
  api::SnapshotList list;
  for (const auto& row : daemon.services.saves.list(store::SaveKind::snapshot))
    if (row.ready && (vm_id.empty() || row.vm_id == vm_id)) list.snapshots.push_back(CO_TRY(describe(daemon, row)));
  co_return api::to_json(list);
}

Task<Result<Json>> snapshot_restore(Daemon& daemon, const Json& params, rpc::CallContext& context) {
  auto vm = CO_TRY(named_vm(daemon, params));
  auto row = CO_TRY(named_snapshot(daemon, CO_TRY(get_string(params, "snapshot"))));
  CO_TRY(engine::check_own_snapshot(vm->record().row(), row));
  if (row.image_id != vm->record().row().image_id || row.kernel != vm->record().row().kernel)
    co_return fail(ErrorCode::invalid,
                   fmt::format("snapshot '{}' has another image or kernel than vm '{}'", row.name, vm->record().name()),
                   fmt::format("banger vm create --from {}", row.name));
  auto force = CO_TRY(find_bool(params, "force")).value_or(false) ? engine::Force::yes : engine::Force::no;
  // The memory of a suspended VM is lost only if the restore succeeds.
  if (force == engine::Force::yes && vm->state() != vm::State::suspended) CO_TRY(co_await vm->kill());
  engine::Stages stages(report_to(context));
  stages.begin("disks");
  CO_TRY(co_await vm->restore(row, force));
  if (row.has_memory()) {
    CO_TRY(co_await daemon.vms.make_room_for(*vm));
    CO_TRY(co_await vm->start(stages, context.cancel(), engine::WaitFor::agent));
  }
  co_return api::to_json(vm_object(daemon.services, *vm));
}

Task<Result<Json>> snapshot_delete(Daemon& daemon, const Json& params, rpc::CallContext&) {
  auto row = CO_TRY(named_snapshot(daemon, CO_TRY(get_string(params, "snapshot"))));
  auto users = daemon.vms.registry().users_of_save(row.id);
  if (!users.empty())
    co_return fail(ErrorCode::busy, fmt::format("snapshot '{}' is used by vm {}", row.name, join(users, ", ")),
                   "stop or delete those VMs first");
  CO_TRY(co_await daemon.services.saves.drop(row.id));
  co_return api::to_json(api::Named{.id = row.id, .name = row.name});
}

constexpr Handler kHandlers[] = {
    {"vm.suspend", suspend},
    {"vm.resume", resume},
    {"vm.fork", fork},
    {"vm.snapshot.create", snapshot_create},
    {"vm.snapshot.list", snapshot_list},
    {"vm.snapshot.restore", snapshot_restore},
    {"vm.snapshot.delete", snapshot_delete},
};

}  // namespace

std::span<const Handler> saved_handlers() { return kHandlers; }

Result<store::SaveRow> find_snapshot(Daemon& daemon, const std::string& name_or_id) {
  return named_snapshot(daemon, name_or_id);
}

}  // namespace banger::roles::daemon

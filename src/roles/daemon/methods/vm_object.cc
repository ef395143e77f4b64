#include "roles/daemon/methods/vm_object.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "base/bounds.h"
#include "roles/daemon/methods/run_config.h"

namespace banger::roles::daemon {

namespace {

void add_spec(const vm::Spec& spec, api::VmObject& object) {
  object.vcpus = spec.vcpus;
  object.memory_bytes = spec.memory_bytes;
  object.disk_bytes = spec.disk_bytes;
  object.system_bytes = spec.system_bytes;
  object.nat = spec.nat;
  object.network = to_string(spec.network);
  object.storage = to_string(spec.storage);
  object.disk_iops = spec.disk_iops;
  object.disk_bandwidth_bytes = spec.disk_bandwidth_bytes;
  object.net_bandwidth_bytes = spec.net_bandwidth_bytes;
  object.pids = spec.pids;
  object.labels = spec.labels;
  object.restart = to_string(spec.restart);
  object.autostart = spec.autostart;
  object.egress = spec.egress;
  object.allow = spec.allow;
  for (const auto& port : spec.publish) object.publish.push_back(to_string(port));
}

std::vector<api::StageObject> stages_of(const store::VmRow& row) {
  std::vector<api::StageObject> stages;
  auto list = parse_json(row.stages, limits::kRpcMessageBytes).value_or(Json::array());
  for (const auto& item : list)
    if (auto stage = api::read<api::StageObject>(item)) stages.push_back(std::move(*stage));
  return stages;
}

void add_record(const store::VmRow& row, api::VmObject& object) {
  object.id = row.id;
  object.name = row.name;
  object.image_id = row.image_id;
  object.kernel = row.kernel;
  object.created_at = row.created_at;
  object.started_at = row.started_at;
  object.last_error = row.last_error;
  object.ended = row.ended;
  object.ended_at = row.ended_at;
  object.stages = stages_of(row);
  object.started_from = row.started_from ? to_string(*row.started_from) : "";
  object.ephemeral = row.ephemeral;
}

void add_machine(const machine::MachineRecord& record, api::VmObject& object) {
  object.machine = fmt::format("{} {}", record.driver, record.version);
  object.machine_reason = record.reason;
  object.accelerator = record.accelerator;
  object.pid = record.process.pid;
}

std::vector<api::SecretObject> secrets_of(const engine::Services& services, const engine::VmRecord& record) {
  std::vector<api::SecretObject> list;
  for (const auto& secret : record.spec().secrets)
    list.push_back({.name = secret.name,
                    .hosts = secret.hosts,
                    .available = services.secrets && services.secrets->is_available(record.id(), secret.name)});
  return list;
}

}  // namespace

api::VmObject vm_object(const engine::Services& services, const engine::VmOwner& vm) {
  api::VmObject object;
  const auto& parts = vm.parts();
  add_record(vm.record().row(), object);
  add_spec(vm.record().spec(), object);
  if (auto machine = parts.machine->get()) add_machine(machine->record(), object);
  auto image = services.images.get(vm.record().row().image_id);
  auto save = services.saves.get(vm.record().row().save_id);
  object.state = vm.state();
  object.paused = parts.machine->paused_because();
  object.silent = parts.link->silent();
  if (image) object.config = run_config_object(image->run_config);
  object.image = image ? image->name : vm.record().spec().image;
  object.template_id = save && save->kind == store::SaveKind::template_ ? save->id : "";
  object.address = engine::guest_address(parts);
  object.agent_ready = parts.link->up();
  object.system_ready = parts.link->system_up();
  object.disk_used_bytes = parts.disks.used_bytes();
  object.directory = parts.disks.directory();
  object.secrets = secrets_of(services, vm.record());
  if (const auto& metrics = parts.machine->metrics()) object.metrics = metrics->figures;
  return object;
}

api::VmObject listed_vm_object(const engine::Services& services, const engine::VmOwner& vm) {
  auto object = vm_object(services, vm);
  object.config.reset();
  object.allow.reset();
  object.secrets.reset();
  return object;
}

api::Named name_object(const engine::VmOwner& vm) { return {.id = vm.record().id(), .name = vm.record().name()}; }

Result<api::VmStats> guest_stats(const Json& answer) {
  auto stats = api::read<api::VmStats>(answer);
  if (!stats) return fail(ErrorCode::corrupt, std::move(stats.error().message));
  stats->host_resident_bytes.reset();
  stats->host_pss_bytes.reset();
  stats->host_cpu_time_us.reset();
  stats->metrics.reset();
  return stats;
}

}  // namespace banger::roles::daemon

#include "roles/daemon/methods/vm_object.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

namespace banger::roles::daemon {

namespace {

void add_spec(const vm::Spec& spec, Json& json) {
  json["vcpus"] = spec.vcpus;
  json["memory_bytes"] = spec.memory_bytes;
  json["disk_bytes"] = spec.disk_bytes;
  json["system_bytes"] = spec.system_bytes;
  json["nat"] = spec.nat;
  json["network"] = to_string(spec.network);
  json["storage"] = to_string(spec.storage);
  json["labels"] = spec.labels;
}

void add_record(const store::VmRow& row, Json& json) {
  Json stages = Json::parse(row.stages.empty() ? "[]" : row.stages, nullptr, false);
  json["id"] = row.id;
  json["name"] = row.name;
  json["image_id"] = row.image_id;
  json["kernel"] = row.kernel;
  json["created_at"] = row.created_at;
  json["started_at"] = row.started_at;
  json["last_error"] = row.last_error;
  json["stages"] = stages.is_array() ? stages : Json::array();
  json["way"] = row.started_from ? to_string(*row.started_from) : "";
  json["ephemeral"] = row.ephemeral;
}

void add_machine(const machine::Machine* machine, Json& json) {
  json["machine"] = json["machine_reason"] = json["accelerator"] = "";
  json["pid"] = nullptr;
  if (!machine) return;
  const auto& record = machine->record();
  json["machine"] = fmt::format("{} {}", record.driver, record.version);
  json["machine_reason"] = record.reason;
  json["accelerator"] = record.accelerator;
  json["pid"] = record.process.pid;
}

}  // namespace

Json vm_object(const engine::Services& services, const engine::VmOwner& vm) {
  Json json = Json::object();
  add_record(vm.record().row(), json);
  add_spec(vm.record().spec(), json);
  add_machine(vm.parts().machine->get().get(), json);
  auto image = services.images.get(vm.record().row().image_id);
  auto save = services.saves.get(vm.record().row().save_id);
  json["state"] = vm::to_string(vm.state());
  json["image"] = image ? image->name : vm.record().spec().image;
  json["template"] = save && save->kind == store::SaveKind::template_ ? save->id : "";
  json["address"] = engine::guest_address(vm.parts());
  json["agent_ready"] = vm.parts().link->up();
  json["system_ready"] = vm.parts().link->system_up();
  json["disk_used_bytes"] = vm.parts().disks.used_bytes();
  json["directory"] = vm.parts().disks.directory();
  json["metrics"] = vm.parts().machine->metrics();
  return json;
}

}  // namespace banger::roles::daemon

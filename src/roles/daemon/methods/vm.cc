// vm.create, vm.start, vm.stop and other methods that read or change one VM.
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "base/bounds.h"
#include "base/text.h"
#include "capabilities/secret_hosts.h"
#include "config/defaults.h"
#include "engine/bounds.h"
#include "engine/health/disk_space.h"
#include "engine/secrets/secrets.h"
#include "link/bounds.h"
#include "roles/daemon/methods/methods.h"
#include "roles/daemon/methods/vm_object.h"
#include "vm/fields.h"

namespace banger::roles::daemon {

vm::Spec default_spec(const engine::Services& services) {
  auto defaults = config::resolve_defaults(
      services.config, {.cpus = services.host_size.cpus, .memory_bytes = services.host_size.memory_bytes});
  vm::Spec spec;
  spec.image = services.config.default_image_name;
  spec.storage = services.config.storage;
  spec.egress = services.config.default_egress;
  spec.vcpus = defaults.vcpus.value;
  spec.memory_bytes = defaults.memory_bytes.value;
  spec.disk_bytes = defaults.disk_bytes.value;
  spec.system_bytes = defaults.system_bytes.value;
  spec.disk_iops = services.config.vm_defaults.disk_iops;
  spec.disk_bandwidth_bytes = services.config.vm_defaults.disk_bandwidth_bytes;
  spec.net_bandwidth_bytes = services.config.vm_defaults.net_bandwidth_bytes;
  spec.pids = services.config.vm_defaults.pids;
  return spec;
}

using capabilities::TakesEffect;

namespace {

Result<engine::WaitFor> wait_param(const Json& params) {
  auto wait = TRY(find_string(params, "wait"));
  if (!wait) return engine::WaitFor::booted;
  return *wait == "system" ? engine::WaitFor::system : engine::WaitFor::agent;
}

// The client of the VM is gone, so only the log can report a failure. Another caller may be removing the VM as well.
Task<> remove_abandoned(Daemon& daemon, std::shared_ptr<engine::VmOwner> vm) {
  if (auto removed = co_await daemon.vms.remove(vm, engine::Force::yes); !removed)
    daemon.services.log.error("vm.remove_failed", {{"vm", vm->record().name()}, {"error", removed.error().sentence()}});
}

void remove_with_client(Daemon& daemon, const std::shared_ptr<engine::VmOwner>& vm, rpc::CallContext& context) {
  context.when_closed([&daemon, weak = std::weak_ptr(vm)] {
    auto left = weak.lock();
    if (left && !left->record().gone()) daemon.services.runtime.spawn(remove_abandoned(daemon, std::move(left)));
  });
}

// Refuses parameters that the snapshot decides. A snapshot with memory also decides the shape of the machine.
Result<> check_not_from_snapshot(const Json& params, const store::SaveRow& snapshot) {
  for (const auto& field : vm::kFields) {
    bool fixed = field.from_snapshot == vm::FromSnapshot::always ||
                 (field.from_snapshot == vm::FromSnapshot::with_memory && snapshot.has_memory());
    if (fixed && params.contains(field.name))
      return fail(ErrorCode::invalid, fmt::format("--{} comes from the snapshot and cannot be given", field.option));
  }
  return {};
}

// The ports of a VM that is not started are only chosen, so a free one may be taken by somebody else before the start.
Result<engine::PublishedPorts::Reserved> reserve_wanted(Daemon& daemon, engine::CreateRequest& request) {
  TRY(vm::check_published(request.spec.publish));
  return daemon.published.reserve(request.spec.publish, nullptr);
}

bool concerns_secrets(const Json& given) {
  for (const auto* name : {"secrets", "egress", "allow", "nat"})
    if (given.contains(name)) return true;
  return false;
}

bool needs_check(const vm::Spec& before, const vm::Spec& after) {
  return after.egress != before.egress || after.allow != before.allow || after.secrets != before.secrets ||
         after.net_bandwidth_bytes != before.net_bandwidth_bytes || after.nat != before.nat;
}

// The hosts of the config become part of the record. Refused before the network of the VM is made.
Result<vm::Spec> wanted_spec(Daemon& daemon, vm::Spec base, const Json& given) {
  const auto& config = daemon.services.config;
  auto spec = TRY(vm::wanted_spec(std::move(base), given));
  TRY(vm::check_secrets(spec.secrets, spec.environment));
  spec.secrets = TRY(capabilities::complete_secrets(config, std::move(spec.secrets)));
  if (concerns_secrets(given)) TRY(capabilities::check_secret_hosts(config, spec));
  return spec;
}

/// The values of `secret_values`. The record of a call has no parameters, so they are in no log.
Result<engine::SecretValues::Map> values_in(const Json& params, const vm::Spec& spec) {
  engine::SecretValues::Map values;
  auto given = params.find("secret_values");
  if (given == params.end() || given->is_null()) return values;
  for (const auto& [name, value] : given->items()) {
    if (std::ranges::find(spec.secrets, name, &vm::Secret::name) == spec.secrets.end())
      return fail(ErrorCode::invalid, fmt::format("the VM has no secret '{}'", printable(name, 80)),
                  "name it in 'secrets' too");
    const auto& text = value.get_ref<const std::string&>();
    TRY(vm::check_secret_value(name, text));
    values.emplace(name, text);
  }
  return values;
}

Task<Result<>> check_values(Daemon& daemon, const vm::Spec& spec, const engine::SecretValues::Map& given,
                            std::string vm_id) {
  if (!daemon.services.secrets) co_return Result<>{};
  co_return co_await daemon.services.secrets->check(spec.secrets, given, std::move(vm_id));
}

void warn_of_missing(Daemon& daemon, const engine::VmOwner& vm, const engine::Stages& stages) {
  const auto* secrets = daemon.services.secrets;
  for (const auto& secret : vm.record().spec().secrets)
    if (secrets && !secrets->is_available(vm.record().id(), secret.name))
      stages.warn(engine::missing_sentence(vm.record().name(), secret));
}

/// A change of the VM with values for its secrets. A change that fails leaves the values as they were.
Task<Result<TakesEffect>> change_with_values(Daemon& daemon, std::shared_ptr<engine::VmOwner> vm, std::string name,
                                             vm::Spec spec, engine::SecretValues::Map given) {
  auto* secrets = daemon.services.secrets;
  const auto& id = vm->record().id();
  if (!secrets) co_return co_await vm->change(std::move(name), std::move(spec));
  auto before = secrets->values().of(id);
  bool renewed = !given.empty() && spec.secrets == vm->record().spec().secrets;
  secrets->values().add(id, std::move(given));
  auto changed = co_await vm->change(std::move(name), std::move(spec));
  if (!changed) {
    secrets->values().replace(id, std::move(before));
    co_return changed;
  }
  secrets->values().keep_only(id, vm->record().spec().secrets);
  if (renewed) CO_TRY(co_await daemon.services.egress.renew(id));
  co_return changed;
}

Task<Result<Json>> create(Daemon& daemon, const Json& params, rpc::CallContext& context) {
  engine::CreateRequest request;
  request.name = CO_TRY(find_string(params, "name")).value_or("");
  if (params.contains("name")) CO_TRY(vm::check_name(request.name));
  auto base = default_spec(daemon.services);
  auto network = daemon.services.config.network;
  if (auto from = CO_TRY(find_string(params, "from"))) {
    auto snapshot = CO_TRY(find_snapshot(daemon, *from));
    CO_TRY(check_not_from_snapshot(params, snapshot));
    request.from = snapshot.id;
    base = CO_TRY(vm::spec_from_json(CO_TRY(parse_json(snapshot.spec, limits::kRpcMessageBytes))));
    network = vm::exactly(base.network);
    base.publish.clear();                                                     // they are the other VM's
    if (params.contains("egress")) base.allow.clear(), base.secrets.clear();  // they belong to the other VM's policy
  }
  request.cold = CO_TRY(find_bool(params, "cold")).value_or(false);
  if (auto wanted = CO_TRY(find_string(params, "network"))) network = CO_TRY(vm::network_choice_from_string(*wanted));
  Json given = params;
  given.erase("network");
  request.spec = CO_TRY(wanted_spec(daemon, std::move(base), given));
  CO_TRY(co_await daemon.services.resources.resolve(network, request.spec));
  request.start = CO_TRY(find_bool(params, "start")).value_or(true);
  request.wait = CO_TRY(wait_param(params));
  request.ephemeral = CO_TRY(find_bool(params, "ephemeral")).value_or(false);
  request.secret_values = CO_TRY(values_in(params, request.spec));
  // The secrets of a snapshot may lack values.
  if (params.contains("secrets")) CO_TRY(co_await check_values(daemon, request.spec, request.secret_values, ""));
  bool ephemeral = request.ephemeral;
  auto ports = CO_TRY(reserve_wanted(daemon, request));
  engine::Stages stages(report_to(context));
  auto vm = CO_TRY(co_await daemon.vms.create(std::move(request), stages, context.cancel()));
  daemon.published.update(*vm);
  warn_of_missing(daemon, *vm, stages);
  if (ephemeral) remove_with_client(daemon, vm, context);
  co_return api::to_json(vm_object(daemon.services, *vm));
}

Task<Result<Json>> start(Daemon& daemon, const Json& params, rpc::CallContext& context) {
  auto vm = CO_TRY(named_vm(daemon, params));
  engine::Stages stages(report_to(context));
  auto ports = CO_TRY(reserve_ports(daemon, *vm));
  CO_TRY(co_await daemon.vms.make_room_for(*vm));
  if (CO_TRY(find_bool(params, "cold")).value_or(false)) CO_TRY(co_await vm->discard_saved_memory());
  CO_TRY(co_await vm->start(stages, context.cancel(), CO_TRY(wait_param(params))));
  warn_of_missing(daemon, *vm, stages);
  co_return api::to_json(vm_object(daemon.services, *vm));
}

Result<std::chrono::milliseconds> stop_timeout(const Json& params) {
  return TRY(find_ms(params, "timeout_ms")).value_or(limits::kStopDeadline);
}

api::VmObject with_end(api::VmObject object, std::string forced) {
  if (!forced.empty()) object.forced = std::move(forced);
  return object;
}

Task<Result<Json>> stop(Daemon& daemon, const Json& params, rpc::CallContext& context) {
  auto vm = CO_TRY(named_vm(daemon, params));
  context.progress("stop", vm->record().name());
  auto forced = CO_TRY(co_await vm->stop(CO_TRY(stop_timeout(params))));
  co_return api::to_json(with_end(vm_object(daemon.services, *vm), std::move(forced)));
}

Task<Result<Json>> kill(Daemon& daemon, const Json& params, rpc::CallContext&) {
  auto vm = CO_TRY(named_vm(daemon, params));
  CO_TRY(co_await vm->kill());
  co_return api::to_json(vm_object(daemon.services, *vm));
}

Task<Result<Json>> restart(Daemon& daemon, const Json& params, rpc::CallContext& context) {
  auto vm = CO_TRY(named_vm(daemon, params));
  context.progress("stop", vm->record().name());
  engine::Stages stages(report_to(context));
  auto forced = CO_TRY(co_await daemon.vms.restart(vm, CO_TRY(stop_timeout(params)), stages, context.cancel(),
                                                   CO_TRY(wait_param(params))));
  co_return api::to_json(with_end(vm_object(daemon.services, *vm), std::move(forced)));
}

Task<Result<Json>> remove(Daemon& daemon, const Json& params, rpc::CallContext&) {
  auto vm = CO_TRY(named_vm(daemon, params));
  auto gone = name_object(*vm);
  bool force = CO_TRY(find_bool(params, "force")).value_or(false);
  CO_TRY(co_await daemon.vms.remove(vm, force ? engine::Force::yes : engine::Force::no));
  co_return api::to_json(gone);
}

Task<Result<Json>> set(Daemon& daemon, const Json& params, rpc::CallContext&) {
  auto vm = CO_TRY(named_vm(daemon, params));
  auto name = CO_TRY(find_string(params, "name")).value_or(vm->record().name());
  // A VM of an older banger may have a name that is refused now. Its other fields can still be changed.
  if (name != vm->record().name()) CO_TRY(vm::check_name(name));
  auto before = vm->record().spec();
  auto after = CO_TRY(wanted_spec(daemon, before, params));
  CO_TRY(vm::check_spec(after, daemon.services.host_size));
  // What cannot be enforced is not recorded. Other fields can be changed on a host that lacks something.
  if (needs_check(before, after)) CO_TRY(daemon.services.resources.check(after));
  auto values = CO_TRY(values_in(params, after));
  if (params.contains("secrets")) CO_TRY(co_await check_values(daemon, after, values, vm->record().id()));
  // Of a VM that does not run, this only finds out whether the ports are free.
  std::vector<vm::PublishedPort> none;
  auto ports = CO_TRY(daemon.published.reserve(after.publish == before.publish ? none : after.publish, vm.get()));
  bool stopped = vm->record().state() == vm::State::stopped, renamed = name != vm->record().name();
  auto effect = CO_TRY(co_await change_with_values(daemon, vm, std::move(name), after, std::move(values)));
  daemon.published.update(*vm);
  auto taken = effect == TakesEffect::at_once ? vm::Taken::yes : vm::Taken::no;
  auto object = vm_object(daemon.services, *vm);
  object.restart_needed = stopped ? std::vector<std::string>() : vm::restart_needed(before, after, taken);
  // banger uses the new name at once, but the guest has a host name of its own.
  if (renamed && !stopped) object.restart_needed->push_back("name");
  co_return api::to_json(object);
}

Task<Result<Json>> list(Daemon& daemon, const Json&, rpc::CallContext&) {
  api::VmList list;
  for (const auto& vm : daemon.vms.registry().list()) list.vms.push_back(listed_vm_object(daemon.services, *vm));
  if (auto low = engine::low_disk_space(daemon.services); !low.empty()) list.warnings = {std::move(low)};
  co_return api::to_json(list);
}

Task<Result<Json>> show(Daemon& daemon, const Json& params, rpc::CallContext&) {
  auto vm = CO_TRY(named_vm(daemon, params));
  auto object = vm_object(daemon.services, *vm);
  if (auto problems = daemon.published.problems(*vm); !problems.empty()) object.publish_problems = std::move(problems);
  co_return api::to_json(object);
}

Task<Result<Json>> stats(Daemon& daemon, const Json& params, rpc::CallContext&) {
  auto vm = CO_TRY(named_vm(daemon, params));
  auto age = CO_TRY(find_ms(params, "max_age_ms")).value_or(daemon.services.config.stats_poll_interval);
  auto patience = CO_TRY(find_ms(params, "timeout_ms")).value_or(limits::kLinkRequestDeadline);
  auto answer = CO_TRY(co_await vm->parts().use->stats(age, patience));
  auto stats = CO_TRY(in(fmt::format("the answer of vm '{}'", vm->record().name()), guest_stats(answer)));
  if (auto machine = vm->parts().machine->get()) {
    if (auto host = machine->stats()) {
      stats.host_cpu_time_us = host->cpu_time_us;
      stats.host_resident_bytes = host->resident_bytes;
      stats.host_pss_bytes = host->proportional_bytes;
    }
  }
  co_await vm->parts().machine->read_metrics(age);
  if (const auto& metrics = vm->parts().machine->metrics()) stats.metrics = metrics->figures;
  co_return api::to_json(stats);
}

constexpr Handler kHandlers[] = {
    {"vm.create", create}, {"vm.start", start}, {"vm.stop", stop}, {"vm.kill", kill}, {"vm.restart", restart},
    {"vm.delete", remove}, {"vm.set", set},     {"vm.list", list}, {"vm.show", show}, {"vm.stats", stats},
};

}  // namespace

std::span<const Handler> vm_handlers() { return kHandlers; }

}  // namespace banger::roles::daemon

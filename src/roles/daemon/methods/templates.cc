// template.list, template.build and template.delete.
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "api/objects/template.h"
#include "base/bounds.h"
#include "base/text.h"
#include "engine/assets.h"
#include "roles/daemon/methods/methods.h"
#include "vm/fields.h"

namespace banger::roles::daemon {

namespace {

Result<api::TemplateObject> describe(Daemon& daemon, const store::SaveRow& row) {
  auto spec = TRY(vm::spec_from_json(TRY(parse_json(row.spec, limits::kRpcMessageBytes))));
  auto image = daemon.services.images.get(row.image_id);
  return api::TemplateObject{
      .id = row.id,
      .image = image ? image->name : spec.image,
      .image_id = row.image_id,
      .kernel = row.kernel,
      .vcpus = spec.vcpus,
      .memory_bytes = spec.memory_bytes,
      .disk_bytes = spec.disk_bytes,
      .system_bytes = spec.system_bytes,
      .storage = std::string(to_string(spec.storage)),
      .network = std::string(to_string(spec.network)),
      .nat = spec.nat,
      .machine = row.machine,
      .state = !row.ready        ? "building"
               : row.key.empty() ? "stale"
                                 : "ready",
      .created_at = row.created_at,
      .used_at = row.used_at,
      .size_bytes = daemon.services.saves.disk_usage(row.id),
      .used_by = daemon.vms.registry().users_of_save(row.id),
  };
}

api::PoolObject describe(const engine::Pool::Member& member) {
  auto age = std::chrono::duration_cast<std::chrono::seconds>(host::Clock::now() - member.since).count();
  auto machine = member.vm->parts().machine->get();
  auto stats = machine ? machine->stats() : Result<machine::MachineStats>(machine::MachineStats{});
  return {
      .id = member.vm->record().id(),
      .template_id = member.save_id,
      .state = member.ready ? "ready" : "filling",
      .age_s = age,
      .pss_bytes = stats ? stats->proportional_bytes : 0,
  };
}

Task<Result<Json>> list(Daemon& daemon, const Json&, rpc::CallContext&) {
  api::TemplateList list;
  for (const auto& row : daemon.services.saves.list(store::SaveKind::template_))
    list.templates.push_back(CO_TRY(describe(daemon, row)));
  for (const auto& member : daemon.vms.pool().members()) list.pool.push_back(describe(member));
  co_return api::to_json(list);
}

Task<Result<Json>> build(Daemon& daemon, const Json& params, rpc::CallContext& context) {
  auto base = default_spec(daemon.services);
  CO_TRY(co_await daemon.services.resources.resolve(daemon.services.config.network, base));
  auto spec = CO_TRY(vm::wanted_spec(std::move(base), params));
  CO_TRY(vm::check_spec(spec, daemon.services.host_size));
  engine::Stages stages(report_to(context));
  auto image = CO_TRY(co_await engine::ensure_image(daemon.services, spec.image, stages, context.cancel()));
  auto kernel = CO_TRY(co_await engine::ensure_kernel(daemon.services, spec.kernel.empty() ? image.kernel : spec.kernel,
                                                      stages, context.cancel()));
  engine::TemplateRequest request{
      .spec = engine::template_spec(spec, daemon.services.config, daemon.services.host_size),
      .image = image,
      .kernel = kernel};
  if (CO_TRY(find_bool(params, "rebuild")).value_or(false)) CO_TRY(co_await daemon.vms.templates().forget(request));
  auto row = CO_TRY(co_await daemon.vms.templates().find_or_build(std::move(request), stages, context.cancel(),
                                                                  engine::AfterFailure::tries_again));
  co_return api::to_json(CO_TRY(describe(daemon, row)));
}

Result<std::vector<store::SaveRow>> matching_templates(Daemon& daemon, const Json& params) {
  auto all = daemon.services.saves.list(store::SaveKind::template_);
  std::erase_if(all, [](const auto& row) { return !row.ready; });
  if (TRY(find_bool(params, "all")).value_or(false)) return all;
  auto wanted = TRY(get_string(params, "template"));
  std::erase_if(all, [&](const auto& row) { return wanted.empty() || !row.id.starts_with(wanted); });
  if (all.empty())
    return fail(ErrorCode::not_found, fmt::format("there is no template '{}'", printable(wanted, 80)),
                "banger template list");
  if (all.size() > 1)
    return fail(ErrorCode::invalid, fmt::format("'{}' is the start of several template ids", printable(wanted, 80)),
                "give more characters of the id");
  return all;
}

// Machines may run on a template. Such a template stays until the last of these machines has ended, but new VMs do not
// use it.
Task<Result<Json>> remove(Daemon& daemon, const Json& params, rpc::CallContext&) {
  api::DeletedTemplates result;
  for (const auto& row : CO_TRY(matching_templates(daemon, params))) {
    CO_TRY(daemon.services.saves.retire(row.id));
    co_await daemon.vms.pool().remove_ready_of(row.id);
    result.deleted.push_back(row.id);
  }
  co_return api::to_json(result);
}

constexpr Handler kHandlers[] = {
    {"template.list", list},
    {"template.build", build},
    {"template.delete", remove},
};

}  // namespace

std::span<const Handler> template_handlers() { return kHandlers; }

}  // namespace banger::roles::daemon

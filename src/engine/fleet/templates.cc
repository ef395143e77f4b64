#include "engine/fleet/templates.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "base/text.h"
#include "config/defaults.h"
#include "engine/bounds.h"
#include "host/files.h"
#include "vm/fields.h"

namespace banger::engine {

namespace {

// Change this whenever old templates must not be cloned any more. Templates with another version are built again.
constexpr const char* kKeyVersion = "banger-template-4";

}  // namespace

vm::Spec template_spec(const vm::Spec& spec, const config::Config& config, const vm::HostSize& host) {
  auto defaults = config::resolve_defaults(config, {.cpus = host.cpus, .memory_bytes = host.memory_bytes});
  auto wanted = vm::template_part(spec);
  wanted.disk_bytes = std::min(spec.disk_bytes, defaults.disk_bytes.value);
  wanted.system_bytes = std::min(spec.system_bytes, defaults.system_bytes.value);
  // QEMU gives each clone a network of its own. Firecracker's machines keep the devices that they were saved with.
  if (config.machine == config::MachineChoice::firecracker) wanted.nat = vm::reaches_outside(spec);
  return wanted;
}

std::string build_notice(const TemplateRequest& request) {
  const auto& spec = request.spec;
  return fmt::format(
      "a guest of {} with {} vcpu and {} of memory boots once, and later VMs like it start much faster "
      "(hint: 'banger template build --image {} --vcpu {} --memory {}M' does this ahead of time)",
      request.image.name, spec.vcpus, format_size(spec.memory_bytes), request.image.name, spec.vcpus,
      spec.memory_bytes / limits::kMiB);
}

std::string template_key(const TemplateInputs& inputs, const vm::Spec& spec) {
  auto key = vm::template_key_fields(spec);
  // A moved cache directory changes no content, so only the archive's name is part of the key.
  auto agent = std::filesystem::path(inputs.agent_archive).filename().string();
  key.update({
      {"version", kKeyVersion},
      {"image_id", inputs.image_id},
      {"kernel_sha256", inputs.kernel_sha256},
      {"agent_archive", agent},
      {"machine_build", inputs.machine_build},
  });
  return host::sha256_hex(dump_json(key));
}

struct Templates::Build {
  Build(host::Runtime& runtime, std::string k) : key(std::move(k)), changed(runtime) {}
  std::string key, stage;
  host::Event changed;
  std::optional<Result<store::SaveRow>> result;
};

Task<Result<std::string>> Templates::key(const TemplateRequest& request) {
  auto* driver = CO_TRY(co_await services_.vmms.choose(request.kernel.vmlinux, network_needs(request.spec)));
  auto agent = CO_TRY(co_await services_.initramfs.agent_archive(request.kernel));
  co_return template_key({.image_id = request.image.id,
                          .kernel_sha256 = request.kernel.sha256,
                          .agent_archive = std::move(agent),
                          .machine_build = driver->build_key()},
                         request.spec);
}

std::optional<store::SaveRow> Templates::find(std::string_view key) const {
  for (auto& row : services_.saves.list(store::SaveKind::template_))
    if (row.ready && row.key == key) return row;
  return std::nullopt;
}

Task<Result<store::SaveRow>> Templates::find_or_build(TemplateRequest request, Stages& stages, host::Cancel& cancel,
                                                      AfterFailure after) {
  auto wanted = CO_TRY(co_await key(request));
  if (auto found = find(wanted)) {
    auto* driver = CO_TRY(co_await services_.vmms.choose(request.kernel.vmlinux, network_needs(request.spec)));
    auto sound = services_.saves.check(*found, driver->build_key());
    if (sound) co_return *found;
    services_.log.warn("template.damaged", {{"template", found->id}, {"error", sound.error().sentence()}});
    CO_TRY(services_.saves.retire(found->id));
  }
  if (auto failed = failures_.find(wanted); failed != failures_.end()) {
    if (after == AfterFailure::gives_up && host::Clock::now() < failed->second.again)
      co_return std::unexpected(failed->second.error);
    failures_.erase(failed);
  }
  if (!builds_.contains(wanted)) CO_TRY(co_await vms_.make_room(request.spec.memory_bytes));
  auto notice = build_notice(request);
  auto& slot = builds_[wanted];
  if (!slot) {
    slot = std::make_shared<Build>(services_.runtime, wanted);
    services_.runtime.spawn(run(this, slot, std::move(request)));
  }
  auto build = slot;
  stages.begin("template", notice);
  std::string reported;
  while (!build->result) {
    CO_TRY(cancel.check());
    if (build->stage != reported) stages.detail(reported = build->stage, -1);
    co_await build->changed.wait(host::after(limits::kTemplatePoll));
  }
  co_return *build->result;
}

Task<> Templates::run(Templates* self, std::shared_ptr<Build> build, TemplateRequest request) {
  auto built = co_await self->build(*build, request);
  if (built) {
    auto found = self->find(build->key);
    if (found)
      build->result = *found;
    else
      build->result = fail(ErrorCode::internal, "the template was removed while it was being made");
  } else {
    auto error = std::move(built.error()).in("make a template");
    self->services_.log.warn("template.failed", {{"error", error.sentence()}});
    self->failures_.insert_or_assign(build->key, Failure{host::after(limits::kTemplateRetry), error});
    build->result = std::unexpected(std::move(error));
  }
  self->builds_.erase(build->key);
  build->changed.notify_all();
}

Task<Result<>> Templates::build(Build& build, const TemplateRequest& request) {
  store::SaveRow row;
  row.kind = store::SaveKind::template_;
  row.spec = dump_json(vm::to_json(request.spec));
  row.image_id = request.image.id;
  row.kernel = request.kernel.name;
  auto* driver = CO_TRY(co_await services_.vmms.choose(request.kernel.vmlinux, network_needs(request.spec)));
  row.build_key = driver->build_key();
  row = CO_TRY(services_.saves.begin(std::move(row)));

  auto vm = vms_.make(request.spec, request.image, request.kernel.name);
  host::Cancel never(services_.runtime);
  Stages stages([&build](std::string_view stage, std::string_view, int) {
    build.stage = stage;
    build.changed.notify_all();
  });
  Result<> done;
  if (!vm) {
    done = std::unexpected(std::move(vm.error()));
  } else {
    done = co_await (*vm)->make(stages, never);
    auto memory_file = services_.saves.new_state(row).memory;
    if (done) done = co_await (*vm)->start(stages, never, WaitFor::system, {.memory_file = std::move(memory_file)});
    if (done) done = co_await (*vm)->become_template(row.id, build.key, stages);
    if (auto removed = co_await vms_.remove(*vm); !removed && done) done = std::move(removed);
  }
  if (!done) (void)co_await services_.saves.drop(row.id);
  stages.end();
  if (done) services_.log.info("template.built", {{"template", row.id}, {"stages", dump_json(stages.to_json())}});
  co_return done;
}

Task<Result<>> Templates::forget(const TemplateRequest& request) {
  auto wanted = CO_TRY(co_await key(request));
  if (auto found = find(wanted)) CO_TRY(services_.saves.retire(found->id));
  co_return Result<>{};
}

Task<bool> Templates::is_orphan(store::SaveRow row) {
  if (unix_now() - row.used_at > std::chrono::seconds(limits::kTemplateUnused).count()) co_return true;
  auto image = services_.images.get(row.image_id);
  auto kernel = services_.kernels.get(row.kernel);
  auto spec = saved_spec(row);
  if (!image || !kernel || !spec) co_return true;
  auto wanted = co_await key({.spec = std::move(*spec), .image = std::move(*image), .kernel = std::move(*kernel)});
  // Without a VMM the key is unknown, and no template can be cloned.
  co_return wanted && *wanted != row.key;
}

Task<> Templates::retire_orphans() {
  for (const auto& row : services_.saves.list(store::SaveKind::template_)) {
    if (!row.ready || row.key.empty() || !co_await is_orphan(row)) continue;
    services_.log.info("template.orphaned", {{"template", row.id}});
    (void)services_.saves.retire(row.id);
  }
}

}  // namespace banger::engine

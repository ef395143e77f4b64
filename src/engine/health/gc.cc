#include "engine/health/gc.h"

#include <fmt/format.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <set>

#include "base/bounds.h"
#include "base/json.h"
#include "engine/bounds.h"
#include "engine/vm/disk_switch.h"
#include "host/files.h"
#include "host/recorded_directory.h"
#include "image/staged_directory.h"
#include "vm/state.h"

namespace banger::engine {

namespace fs = std::filesystem;

namespace {

Task<Result<>> remove_files(host::Runtime& runtime, std::string path) {
  co_return co_await runtime.blocking([&path] { return host::remove_tree(path); });
}

Task<Result<>> remove_stage(host::Runtime& runtime, host::AbandonedDirectory stage) {
  co_return co_await runtime.blocking([&stage] { return host::remove_abandoned(stage); });
}

Garbage files(Services& services, std::string kind, const std::string& path, std::string reason) {
  return {.kind = std::move(kind), .path = path, .reason = std::move(reason), .remove = [&services, path] {
            return remove_files(services.runtime, path);
          }};
}

void add_directories(Services& services, const VmRegistry& vms, std::vector<Garbage>& found) {
  std::set<std::string> ids;
  for (const auto& vm : vms.everything()) ids.insert(vm->record().id());
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(services.paths.vms(), error))
    if (!ids.contains(entry.path().filename().string()))
      found.push_back(files(services, "directory", entry.path().string(), "belongs to no VM"));
}

Task<Result<>> remove_unfinished(std::shared_ptr<VmOwner> vm, std::string path) {
  co_await vm->release_leftovers();
  if (fs::exists(path)) co_return fail(ErrorCode::busy, "an operation uses it, or it cannot be removed");
  co_return Result<>{};
}

// Files that an operation of a VM left. While an operation may still be at work on them, they are no garbage.
void add_unfinished(const VmRegistry& vms, std::vector<Garbage>& found) {
  for (const auto& vm : vms.everything()) {
    bool at_rest = vm->state() == vm::State::stopped || vm->state() == vm::State::suspended;
    if (!at_rest || vm->parts().staging) continue;
    for (const auto& path : leftovers(vm->parts().disks.directory()))
      found.push_back({.kind = "file",
                       .path = path,
                       .reason = fmt::format("vm '{}' never finished it", vm->record().name()),
                       .remove = [vm, path] { return remove_unfinished(vm, path); }});
  }
}

void add_saves(Services& services, std::vector<Garbage>& found) {
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(services.paths.saves(), error))
    if (!services.saves.owns(entry.path().filename().string()))
      found.push_back(files(services, "saved state", entry.path().string(), "no record names it"));
}

bool is_stray(const VmRegistry& vms, const machine::LiveMachine& machine) {
  auto all = vms.everything();
  return std::ranges::none_of(all, [&](const auto& vm) { return owns(vm->record().row(), machine); });
}

// Much may have changed since the process was found. The descriptor from the first line always refers to one process.
Task<Result<>> kill_stray(const Services& services, const VmRegistry& vms, machine::LiveMachine found) {
  auto process = host::open_process(found.process);
  if (!process && process.error().code == ErrorCode::not_found) co_return Result<>{};
  if (!process) co_return std::unexpected(process.error());
  if (machine::live_machine(found.process.pid, services.paths.vms()) != found)
    co_return fail(ErrorCode::busy, "its pid belongs to another program by now");
  if (!is_stray(vms, found)) co_return fail(ErrorCode::busy, "it belongs to a VM by now");
  if (::syscall(SYS_pidfd_send_signal, process->get(), SIGKILL, nullptr, 0) < 0 && errno != ESRCH)
    co_return fail_errno("kill it");
  co_return Result<>{};
}

void add_machines(Services& services, const VmRegistry& vms, std::vector<Garbage>& found) {
  for (const auto& machine : machine::live_machines(services.paths.vms())) {
    if (!is_stray(vms, machine)) continue;
    found.push_back({.kind = "process",
                     .path = fmt::format("pid {}", machine.process.pid),
                     .reason = fmt::format("a machine in {} that no VM owns", services.paths.vm(machine.vm_id)),
                     .remove = [&services, &vms, machine] { return kill_stray(services, vms, machine); }});
  }
}

// Archives of removed kernels, and unfinished archives. Archives are made again when needed.
void add_caches(Services& services, std::vector<Garbage>& found) {
  std::set<std::string> kernels;
  if (auto list = services.kernels.list())
    for (const auto& kernel : *list) kernels.insert(kernel.sha256.substr(0, 16));
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(services.paths.cache + "/initramfs", error)) {
    auto name = entry.path().filename().string();
    if (name.ends_with(".tmp"))
      found.push_back(files(services, "cache", entry.path().string(), "was never finished"));
    else if (!kernels.contains(name.substr(0, 16)))
      found.push_back(files(services, "cache", entry.path().string(), "made for a kernel that is gone"));
  }
}

// A running pull owns its layers. A layer may have found an image since it was found here.
Task<Result<>> remove_blob(Services& services, image::oci::UnusedBlob blob) {
  for (const auto& unused : CO_TRY(services.puller->unused()))
    if (unused.path == blob.path) {
      auto file = CO_TRY(services.puller->cache().remove(blob));
      (void)co_await services.runtime.blocking([&] {
        file.reset();
        return true;
      });
      co_return Result<>();
    }
  co_return fail(ErrorCode::busy, "an image or a pull needs it by now");
}

void add_blobs(Services& services, std::vector<Garbage>& found) {
  auto unused = services.puller ? services.puller->unused() : std::vector<image::oci::UnusedBlob>{};
  if (!unused) return;
  for (const auto& blob : *unused)
    found.push_back({.kind = "cache",
                     .path = blob.path,
                     .reason = blob.partial ? "a download that was never finished" : "no image has this layer",
                     .remove = [&services, blob] { return remove_blob(services, blob); }});
}

void add_resources(Services& services, std::vector<Garbage>& found) {
  for (const auto& leftover : services.resources.leftovers())
    found.push_back({.kind = leftover.kind, .path = leftover.path, .reason = leftover.reason, .remove = [leftover] {
                       return leftover.resource->remove(leftover);
                     }});
}

// A VM may use the image since it was found. No other coroutine runs between the last check and the removal.
Task<Result<>> remove_image(Services& services, VmManager& vms, std::string id) {
  co_await vms.pool().drop_templates([id](const store::SaveRow& row) { return row.image_id == id; });
  auto image = services.images.get(id);
  if (!image && image.error().code == ErrorCode::not_found) co_return Result<>{};
  if (!image) co_return std::unexpected(image.error());
  if (!is_orphan(*image, vms.registry())) co_return fail(ErrorCode::busy, "the image is in use by now");
  co_return co_await services.images.remove(id);
}

void add_images(Services& services, VmManager& vms, std::vector<Garbage>& found) {
  auto images = services.images.list();
  if (!images) return;
  for (const auto& image : *images) {
    if (!is_orphan(image, vms.registry())) continue;
    found.push_back({.kind = "image",
                     .path = image.directory(),
                     .reason = "a newer one has its name, and no VM uses it",
                     .remove = [&services, &vms, id = image.id] { return remove_image(services, vms, id); }});
  }
}

Task<Result<>> remove_half_made(host::Runtime& runtime, std::string path) {
  co_return co_await runtime.blocking([&path] { return image::remove_leftover(path); });
}

Garbage half_made(Services& services, std::string kind, const std::string& path) {
  return {.kind = std::move(kind), .path = path, .reason = "was never finished", .remove = [&services, path] {
            return remove_half_made(services.runtime, path);
          }};
}

// A running build or pull owns its unfinished directory.
void add_half_made(Services& services, std::vector<Garbage>& found) {
  if (!services.building_image.held())
    for (const auto& path : services.images.leftovers()) found.push_back(half_made(services, "image", path));
  if (!services.pulling_kernel.held())
    for (const auto& path : services.kernels.leftovers()) found.push_back(half_made(services, "kernel", path));
  for (const auto& path : image::ImageStore::abandoned_builds())
    found.push_back(
        {.kind = "build", .path = path, .reason = "an interrupted image build", .remove = [&services, path] {
           return services.images.remove_abandoned_build(path);
         }});
}

// A running download owns its stage.
void add_copies(Services& services, std::vector<Garbage>& found) {
  for (const auto& stage : host::abandoned_directories(host::copy_records(services.paths)))
    found.push_back(
        {.kind = "copy", .path = stage.path, .reason = "an interrupted 'vm cp'", .remove = [&services, stage] {
           return remove_stage(services.runtime, stage);
         }});
}

}  // namespace

bool owns(const store::VmRow& row, const machine::LiveMachine& machine) {
  auto json = parse_json(row.machine, limits::kRpcMessageBytes);
  auto record = json ? machine::record_from_json(*json) : std::unexpected(json.error());
  auto is_recorded = [&](const std::string& token) { return record && token == record->token; };
  if (std::ranges::any_of(machine.tokens, is_recorded)) return true;
  if (row.id != machine.vm_id) return false;
  auto state = vm::state_from_string(row.state);
  return !state || (*state != vm::State::stopped && *state != vm::State::suspended);
}

bool is_orphan(const image::Image& image, const VmRegistry& vms) {
  auto is_from = [&](std::string_view origin) { return image.source.starts_with(origin); };
  bool can_be_made_again = is_from("recipe:") || is_from("registry:") || is_from("catalog:") || image.source == "build";
  return image.name.empty() && can_be_made_again && vms.users_of_image(image.id).empty();
}

Task<> remove_orphan(Services& services, VmManager& vms, std::string id) {
  auto image = services.images.get(id);
  if (!image || !is_orphan(*image, vms.registry())) co_return;
  co_await vms.pool().drop_templates([id](const store::SaveRow& row) { return row.image_id == id; });
  // Meanwhile a VM may have been made from the image, or it may have got a name.
  image = services.images.get(id);
  if (!image || !is_orphan(*image, vms.registry())) co_return;
  if (auto removed = co_await services.images.remove(id); !removed)
    services.log.warn("image.remove_failed", {{"image", id}, {"error", removed.error().message}});
}

Task<Result<std::vector<Garbage>>> collect_garbage(Services& services, VmManager& vms, Collect collect) {
  CO_TRY(co_await vms.recovery().wait(host::after(limits::kGarbageRecoveryDeadline)));
  std::vector<Garbage> found;
  // Processes come before the files that they write to.
  add_machines(services, vms.registry(), found);
  add_directories(services, vms.registry(), found);
  add_unfinished(vms.registry(), found);
  add_saves(services, found);
  add_caches(services, found);
  add_blobs(services, found);
  add_resources(services, found);
  add_images(services, vms, found);
  add_half_made(services, found);
  add_copies(services, found);
  if (collect == Collect::list_only) co_return found;
  for (auto& item : found) {
    auto removed = co_await item.remove();
    if (removed)
      item.removed = true;
    else
      item.reason += "; could not be removed: " + removed.error().message;
    services.log.info("gc", {{"kind", item.kind}, {"path", item.path}, {"removed", item.removed ? "yes" : "no"}});
  }
  co_return found;
}

}  // namespace banger::engine

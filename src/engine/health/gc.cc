#include "engine/health/gc.h"

#include <fmt/format.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <set>

#include "base/bounds.h"
#include "base/json.h"
#include "host/files.h"
#include "vm/state.h"

namespace banger::engine {

namespace fs = std::filesystem;
using capabilities::Leftover;

namespace {

constexpr std::chrono::minutes kPatience{1};

std::set<std::string> known_ids(const VmRegistry& vms) {
  std::set<std::string> ids;
  for (const auto& vm : vms.everything()) ids.insert(vm->row().id);
  return ids;
}

std::vector<Leftover> stray_directories(const Services& services, const std::set<std::string>& ids) {
  std::vector<Leftover> found;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(services.paths.vms(), error))
    if (!ids.contains(entry.path().filename().string()))
      found.push_back({"directory", entry.path().string(), "belongs to no VM"});
  return found;
}

std::vector<Leftover> stray_saves(const Services& services) {
  std::vector<Leftover> found;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(services.paths.saves(), error))
    if (!services.saves.owns(entry.path().filename().string()))
      found.push_back({"saved state", entry.path().string(), "belongs to no record"});
  return found;
}

bool is_astray(const VmRegistry& vms, const machine::LiveMachine& machine) {
  auto all = vms.everything();
  return std::ranges::none_of(all, [&](const auto& vm) { return owns(vm->row(), machine); });
}

std::vector<Garbage> stray_machines(const Services& services, const VmRegistry& vms) {
  std::vector<Garbage> found;
  for (auto& machine : machine::live_machines(services.paths.vms())) {
    if (!is_astray(vms, machine)) continue;
    Leftover leftover{.kind = "process",
                      .path = fmt::format("pid {}", machine.process.pid),
                      .reason = fmt::format("a machine in {} that no VM owns", services.paths.vm(machine.vm_id))};
    found.push_back({std::move(leftover)});
    found.back().machine = std::move(machine);
  }
  return found;
}

// Archives of other builds or of kernels that are gone; they are made again when needed.
std::vector<Leftover> stale_caches(const Services& services) {
  std::vector<Leftover> found;
  std::set<std::string> kernels;
  if (auto list = services.kernels.list())
    for (const auto& kernel : *list) kernels.insert(kernel.sha256.substr(0, 16));
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(services.paths.cache + "/initramfs", error)) {
    auto name = entry.path().filename().string();
    if (name.ends_with(".tmp"))
      found.push_back({"cache", entry.path().string(), "was never finished"});
    else if (!kernels.contains(name.substr(0, 16)))
      found.push_back({"cache", entry.path().string(), "made for a kernel that is gone"});
  }
  return found;
}

std::vector<Leftover> orphan_images(const Services& services, const VmRegistry& vms) {
  std::vector<Leftover> found;
  auto images = services.images.list();
  if (!images) return found;
  for (const auto& image : *images)
    if (is_orphan(image, vms))
      found.push_back({"image", fs::path(image.rootfs).parent_path(), "a newer one has its name, and no VM uses it"});
  return found;
}

// A build or pull that is under way owns its half-made directory.
std::vector<Leftover> half_made(const Services& services) {
  std::vector<Leftover> found;
  if (!services.building_image.held())
    for (const auto& path : services.images.leftovers()) found.push_back({"image", path, "was never finished"});
  if (!services.pulling_kernel.held())
    for (const auto& path : services.kernels.leftovers()) found.push_back({"kernel", path, "was never finished"});
  for (const auto& path : image::ImageStore::abandoned_builds())
    found.push_back({"build", path, "an image build that was cut short"});
  return found;
}

// Much may have happened since it was found. From the first line on the descriptor names that process and no other.
Result<> kill_stray(const Services& services, const VmRegistry& vms, const machine::LiveMachine& found) {
  auto process = host::open_process(found.process);
  if (!process) return process.error().code == ErrorCode::not_found ? Result<>{} : std::unexpected(process.error());
  if (machine::live_machine(found.process.pid, services.paths.vms()) != found)
    return fail(ErrorCode::busy, "it is another program by now");
  if (!is_astray(vms, found)) return fail(ErrorCode::busy, "it is a VM's by now");
  if (::syscall(SYS_pidfd_send_signal, process->get(), SIGKILL, nullptr, 0) < 0 && errno != ESRCH)
    return fail_errno("kill it");
  return {};
}

Task<Result<>> remove_leftover(Services& services, VmManager& vms, const Garbage& item) {
  if (item.resource) co_return co_await item.resource->remove(item);
  if (item.machine) co_return kill_stray(services, vms.registry(), *item.machine);
  if (item.kind == "build") co_return co_await services.images.remove_abandoned_build(item.path);
  // A VM may have been made from it since it was found; from here to its removal nothing else runs.
  auto id = fs::path(item.path).filename().string();
  if (item.kind == "image" && services.images.get(id))
    co_await vms.drop_templates([id](const store::SaveRow& row) { return row.image_id == id; });
  auto image = item.kind == "image" ? services.images.get(id) : fail(ErrorCode::not_found, "no image");
  if (image)
    co_return is_orphan(*image, vms.registry()) ? services.images.remove(id)
                                                : fail(ErrorCode::busy, "it is used by now");
  co_return co_await services.runtime.blocking([&] { return host::remove_tree(item.path); });
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
  return image.name.empty() && vms.users_of_image(image.id).empty();
}

Task<> remove_orphan(Services& services, VmManager& vms, std::string id) {
  auto image = services.images.get(id);
  if (!image || !is_orphan(*image, vms.registry())) co_return;
  co_await vms.drop_templates([id](const store::SaveRow& row) { return row.image_id == id; });
  // A VM may have been made from it meanwhile.
  if (!is_orphan(*image, vms.registry())) co_return;
  if (auto removed = services.images.remove(id); !removed)
    services.log.warn("image.remove_failed", {{"image", id}, {"error", removed.error().message}});
}

Task<Result<std::vector<Garbage>>> collect_garbage(Services& services, VmManager& vms, bool dry_run) {
  CO_TRY(co_await vms.await_recovery(host::after(kPatience)));
  // Those who write come before what they write to.
  auto found = stray_machines(services, vms.registry());
  auto add = [&](std::vector<Leftover> list) {
    for (auto& leftover : list) found.push_back({std::move(leftover)});
  };
  add(stray_directories(services, known_ids(vms.registry())));
  add(stray_saves(services));
  add(stale_caches(services));
  add(services.resources.leftovers());
  add(orphan_images(services, vms.registry()));
  add(half_made(services));
  if (dry_run) co_return found;
  for (auto& item : found) {
    auto removed = co_await remove_leftover(services, vms, item);
    if (removed)
      item.removed = true;
    else
      item.reason += "; could not be removed: " + removed.error().message;
    services.log.info("gc", {{"kind", item.kind}, {"path", item.path}, {"removed", item.removed ? "yes" : "no"}});
  }
  co_return found;
}

}  // namespace banger::engine

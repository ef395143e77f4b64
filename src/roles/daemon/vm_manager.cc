#include "roles/daemon/vm_manager.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/bounds.h"
#include "base/text.h"
#include "host/files.h"
#include "roles/daemon/assets.h"
#include "roles/daemon/names.h"

namespace banger::roles::daemon {

Result<> VmManager::load() {
  for (auto& row : TRY(services_.store.vms())) {
    auto json = TRY(in(fmt::format("the record of vm '{}'", row.name), parse_json(row.spec, limits::kRpcMessageBytes)));
    auto spec = TRY(in(fmt::format("the record of vm '{}'", row.name), vm::spec_from_json(json)));
    auto id = row.id;
    vms_[id] = std::make_shared<VmOwner>(services_, std::move(row), std::move(spec));
  }
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
  if (vm->gone()) vms_.erase(vm->row().id);
  --recovering_;
  recovery_.notify_all();
}

Task<> VmManager::recover_all(host::Deadline deadline) {
  for (const auto& vm : list()) {
    ++recovering_;
    services_.runtime.spawn(recover_one(vm));
  }
  while (recovering_ > 0 && host::Clock::now() < deadline) co_await recovery_.wait(deadline);
}

std::vector<std::shared_ptr<VmOwner>> VmManager::list() const {
  std::vector<std::shared_ptr<VmOwner>> all;
  for (const auto& [id, vm] : vms_) all.push_back(vm);
  std::sort(all.begin(), all.end(), [](const auto& a, const auto& b) {
    return std::pair(a->row().created_at, a->row().number) < std::pair(b->row().created_at, b->row().number);
  });
  return all;
}

Result<std::shared_ptr<VmOwner>> VmManager::get(std::string_view wanted) const {
  std::vector<std::shared_ptr<VmOwner>> by_prefix;
  std::vector<std::string> names;
  for (const auto& [id, vm] : vms_) {
    if (id == wanted || vm->row().name == wanted) return vm;
    if (!wanted.empty() && id.starts_with(wanted)) by_prefix.push_back(vm);
    names.push_back(vm->row().name);
  }
  if (by_prefix.size() == 1) return by_prefix.front();
  if (by_prefix.size() > 1) {
    std::vector<std::string> matches;
    for (const auto& vm : by_prefix) matches.push_back(fmt::format("{} ({})", vm->row().id, vm->row().name));
    return fail(ErrorCode::invalid, fmt::format("'{}' is the start of several VM ids: {}", wanted, join(matches, ", ")), "give more of the id");
  }
  auto close = nearest(wanted, names);
  return fail(ErrorCode::not_found, fmt::format("there is no VM '{}'", printable(wanted, 80)),
              close.empty() ? "banger vm list shows them" : fmt::format("did you mean {}?", fmt::join(close, " or ")));
}

std::string VmManager::free_name() const {
  for (;;) {
    auto name = made_up_name(host::random_bytes(4));
    if (std::none_of(vms_.begin(), vms_.end(), [&](const auto& entry) { return entry.second->row().name == name; })) return name;
  }
}

Result<std::shared_ptr<VmOwner>> VmManager::record(const CreateRequest& request, const image::Image& image, const std::string& kernel) {
  store::VmRow row;
  row.id = random_id();
  row.name = request.name.empty() ? free_name() : request.name;
  row.state = vm::to_string(vm::State::creating);
  row.spec = dump_json(vm::to_json(request.spec));
  row.image_id = image.id;
  row.kernel = kernel;
  row.created_at = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
  row.number = TRY(services_.store.insert_vm(row, {{0, row.id, "directory", services_.paths.vm(row.id)}}));
  auto vm = std::make_shared<VmOwner>(services_, row, request.spec);
  vms_[row.id] = vm;
  return vm;
}

Task<Result<std::shared_ptr<VmOwner>>> VmManager::create(CreateRequest request, Stages& stages, host::Cancel& cancel) {
  if (!request.name.empty()) {
    CO_TRY(vm::check_name(request.name));
    // Asked early, before an image is built for nothing; the store decides for good.
    for (const auto& [id, vm] : vms_)
      if (vm->row().name == request.name)
        co_return fail(ErrorCode::exists, fmt::format("a VM named '{}' exists already", request.name), "choose another name, or delete that one");
  }
  CO_TRY(vm::check_spec(request.spec, services_.host_size));
  for (const auto* capability : capabilities::all())
    if (capability->check) CO_TRY(in(capability->name, capability->check({.spec = request.spec, .state_directory = services_.paths.state})));
  auto image = CO_TRY(co_await ensure_image(services_, request.spec.image, stages, cancel));
  auto kernel_name = request.spec.kernel.empty() ? image.kernel : request.spec.kernel;
  auto kernel = CO_TRY(co_await ensure_kernel(services_, kernel_name, stages, cancel));
  CO_TRY(cancel.check());
  // While the kernel was pulled, a rebuild may have replaced the image and removed it.
  image = CO_TRY(services_.images.get(request.spec.image));
  auto vm = CO_TRY(record(request, image, kernel.name));
  auto made = co_await vm->make(stages, cancel);
  if (made && request.start) {
    made = co_await vm->start(stages, cancel, request.wait);
    // A guest that does not come up is kept, so that its logs can be read; one nobody waits for any more is not.
    if (!made && made.error().code != ErrorCode::cancelled && vm->machine_was_started()) co_return std::unexpected(std::move(made.error()));
  }
  if (made) co_return vm;
  auto error = std::move(made).error().in(fmt::format("create vm '{}'", vm->row().name));
  if (auto undone = co_await remove(vm, true); !undone)
    services_.log.error("vm.undo_failed", {{"vm", vm->row().name}, {"error", undone.error().sentence()}});
  co_return std::unexpected(std::move(error));
}

Task<Result<>> VmManager::remove(std::shared_ptr<VmOwner> vm, bool force) {
  CO_TRY(co_await vm->remove(force));
  vms_.erase(vm->row().id);
  co_return Result<>{};
}

std::vector<std::string> VmManager::users_of_image(std::string_view image_id) const {
  std::vector<std::string> names;
  for (const auto& vm : list())
    if (vm->row().image_id == image_id) names.push_back(vm->row().name);
  return names;
}

std::vector<std::string> VmManager::users_of_kernel(std::string_view kernel) const {
  std::vector<std::string> names;
  for (const auto& vm : list())
    if (vm->row().kernel == kernel) names.push_back(vm->row().name);
  return names;
}

}  // namespace banger::roles::daemon

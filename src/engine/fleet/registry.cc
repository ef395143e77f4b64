#include "engine/fleet/registry.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/bounds.h"
#include "base/text.h"
#include "engine/names.h"
#include "host/files.h"

namespace banger::engine {

namespace {

bool is_users(const VmOwner& vm) { return vm.record().row().purpose == store::Purpose::user; }

std::unexpected<Error> ambiguous(std::string_view wanted, const std::vector<std::shared_ptr<VmOwner>>& vms) {
  std::vector<std::string> matches;
  for (const auto& vm : vms) matches.push_back(fmt::format("{} ({})", vm->record().id(), vm->record().name()));
  return fail(ErrorCode::invalid, fmt::format("'{}' is the start of several VM ids: {}", wanted, join(matches, ", ")),
              "give more characters of the id");
}

std::unexpected<Error> unknown(std::string_view wanted, const std::vector<std::shared_ptr<VmOwner>>& vms) {
  std::vector<std::string> names;
  for (const auto& vm : vms) names.push_back(vm->record().name());
  auto close = nearest(wanted, names);
  return fail(
      ErrorCode::not_found, fmt::format("there is no vm '{}'", printable(wanted, 80)),
      close.empty() ? "banger vm list shows all VMs" : fmt::format("did you mean {}?", fmt::join(close, " or ")));
}

constexpr std::string_view kSnapshotUser = "(snapshot ";

}  // namespace

Result<> check_unused(std::string_view what, const std::vector<std::string>& users) {
  if (users.empty()) return {};
  auto is_snapshot = [](const std::string& user) { return user.starts_with(kSnapshotUser); };
  auto snapshots = static_cast<std::size_t>(std::ranges::count_if(users, is_snapshot));
  const char* way_out = snapshots == 0              ? "delete those VMs first"
                        : snapshots == users.size() ? "delete those snapshots first, with 'banger vm snapshot delete'"
                                                    : "delete those VMs and snapshots first";
  return fail(ErrorCode::busy, fmt::format("{} is used by {}", what, join(users, ", ")), way_out);
}

Result<> VmRegistry::load() {
  for (auto& row : TRY(services_.store.vms())) {
    auto json = TRY(in(fmt::format("the record of vm '{}'", row.name), parse_json(row.spec, limits::kRpcMessageBytes)));
    auto spec = TRY(in(fmt::format("the record of vm '{}'", row.name), vm::spec_from_json(json)));
    services_.saves.use(row.save_id);
    add(std::make_shared<VmOwner>(services_, std::move(row), std::move(spec), Recovery::due));
  }
  return {};
}

void VmRegistry::add(std::shared_ptr<VmOwner> vm) {
  vms_[vm->record().id()] = vm;
  if (on_new_vm_) on_new_vm_(std::move(vm));
}

void VmRegistry::for_each_vm(std::function<void(std::shared_ptr<VmOwner>)> on_vm) {
  on_new_vm_ = std::move(on_vm);
  for (const auto& vm : everything()) on_new_vm_(vm);
}

std::vector<std::shared_ptr<VmOwner>> VmRegistry::everything() const {
  std::vector<std::shared_ptr<VmOwner>> all;
  for (const auto& [id, vm] : vms_) all.push_back(vm);
  return all;
}

std::vector<std::shared_ptr<VmOwner>> VmRegistry::list() const {
  auto all = everything();
  std::erase_if(all, [](const auto& vm) { return !is_users(*vm); });
  std::sort(all.begin(), all.end(), [](const auto& a, const auto& b) {
    return std::pair(a->record().row().created_at, a->record().row().number) <
           std::pair(b->record().row().created_at, b->record().row().number);
  });
  return all;
}

Result<std::shared_ptr<VmOwner>> VmRegistry::get(std::string_view wanted) const {
  std::vector<std::shared_ptr<VmOwner>> all, by_prefix;
  for (const auto& [id, vm] : vms_) {
    if (!is_users(*vm)) continue;
    if (id == wanted || vm->record().name() == wanted) return vm;
    if (!wanted.empty() && id.starts_with(wanted)) by_prefix.push_back(vm);
    all.push_back(vm);
  }
  if (by_prefix.size() == 1) return by_prefix.front();
  if (by_prefix.size() > 1) return ambiguous(wanted, by_prefix);
  return unknown(wanted, all);
}

std::shared_ptr<VmOwner> VmRegistry::find_exactly(std::string_view wanted) const {
  if (auto it = vms_.find(wanted); it != vms_.end()) return it->second;
  for (const auto& [id, vm] : vms_)
    if (vm->record().name() == wanted) return vm;
  return nullptr;
}

Result<> VmRegistry::check_is_free(std::string_view name) const {
  if (!find_exactly(name)) return {};
  return fail(ErrorCode::exists, fmt::format("there is already a VM named '{}'", printable(name, 80)),
              "choose another name, or delete that VM");
}

std::string VmRegistry::free_name() const {
  for (;;) {
    auto name = random_name(host::random_bytes(4));
    if (!find_exactly(name)) return name;
  }
}

std::vector<std::string> VmRegistry::users(
    const std::function<bool(const std::string& image_id, const std::string& kernel)>& uses) const {
  std::vector<std::string> names;
  for (const auto& [id, vm] : vms_) {
    const auto& row = vm->record().row();
    if (row.purpose == store::Purpose::pool || !uses(row.image_id, row.kernel)) continue;
    names.push_back(is_users(*vm) ? row.name : "(an unfinished template)");
  }
  for (const auto& row : services_.saves.list(store::SaveKind::snapshot))
    if (uses(row.image_id, row.kernel)) names.push_back(fmt::format("{}{})", kSnapshotUser, row.name));
  return names;
}

std::vector<std::string> VmRegistry::users_of_image(std::string_view image_id) const {
  return users([&](const std::string& image, const std::string&) { return image == image_id; });
}

std::vector<std::string> VmRegistry::users_of_kernel(std::string_view kernel) const {
  return users([&](const std::string&, const std::string& name) { return name == kernel; });
}

std::vector<std::string> VmRegistry::users_of_save(std::string_view save_id) const {
  std::vector<std::string> names;
  for (const auto& vm : list())
    if (vm->record().row().save_id == save_id) names.push_back(vm->record().name());
  return names;
}

}  // namespace banger::engine

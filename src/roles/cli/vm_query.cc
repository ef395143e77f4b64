#include "roles/cli/vm_query.h"

#include <fmt/format.h>
#include <fnmatch.h>

#include <algorithm>
#include <functional>
#include <ranges>
#include <utility>

#include "base/text.h"

namespace banger::roles::cli {

namespace {

using api::VmObject;

bool has_label(const VmObject& vm, const std::string& wanted) {
  auto at = wanted.find('=');
  auto label = vm.labels.find(wanted.substr(0, at));
  return label != vm.labels.end() && (at == wanted.npos || label->second == wanted.substr(at + 1));
}

bool matches_name(const VmObject& vm, const std::string& pattern) {
  return ::fnmatch(pattern.c_str(), vm.name.c_str(), 0) == 0;
}
bool has_state(const VmObject& vm, const std::string& state) {
  return shown_state(vm) == state || vm::to_string(vm.state) == state;
}
bool has_image(const VmObject& vm, const std::string& image) { return vm.image == image || vm.image_id == image; }
bool has_network(const VmObject& vm, const std::string& network) { return vm.network == network; }

// The states of src/vm/state.h, and those of shown_state().
constexpr std::string_view kStates[] = {"running",  "stopped",    "suspended", "paused",    "silent",  "creating",
                                        "starting", "suspending", "stopping",  "restoring", "deleting"};
constexpr std::string_view kNetworks[] = {"user", "bridge"};

constexpr FilterKey kFilterKeys[] = {{"name", {}},  {"state", kStates},     {"status", kStates},
                                     {"image", {}}, {"network", kNetworks}, {"label", {}}};
using Matches = bool (*)(const VmObject& vm, const std::string& value);
constexpr Matches kMatches[] = {matches_name, has_state, has_state, has_image, has_network, has_label};
static_assert(std::size(kMatches) == std::size(kFilterKeys));

Result<> check_value(const FilterKey& key, const std::string& value) {
  if (key.choices.empty() || std::ranges::find(key.choices, value) != key.choices.end()) return {};
  std::vector<std::string> known(key.choices.begin(), key.choices.end());
  return fail(
      ErrorCode::invalid,
      fmt::format("--filter: {} '{}' is not one of {}", key.name, printable(value), fmt::join(key.choices, ", ")),
      did_you_mean(value, known));
}

Result<> keep_matching(std::vector<VmObject>& vms, const std::string& text) {
  auto at = text.find('=');
  auto key = std::ranges::find(kFilterKeys, text.substr(0, at), &FilterKey::name);
  auto value = at == text.npos ? std::string() : text.substr(at + 1);
  if (key == std::end(kFilterKeys) || value.empty() || value[0] == '=')
    return fail(ErrorCode::invalid, fmt::format("--filter: '{}' is no filter", printable(text)),
                "write it like state=running; other keys are name, image, network and label");
  TRY(check_value(*key, value));
  auto matches = kMatches[key - std::begin(kFilterKeys)];
  std::erase_if(vms, [&](const auto& vm) { return !matches(vm, value); });
  return {};
}

// VMs with equal keys are in the order of their names.
template <class Key>
void sort_up(std::vector<VmObject>& vms, Key key) {
  std::ranges::sort(vms, {}, [&](const VmObject& vm) { return std::pair(std::invoke(key, vm), vm.name); });
}
template <class Key>
void sort_down(std::vector<VmObject>& vms, Key key) {
  std::ranges::sort(vms, [&](const VmObject& a, const VmObject& b) {
    auto of_a = std::invoke(key, a), of_b = std::invoke(key, b);
    return of_a != of_b ? of_a > of_b : a.name < b.name;
  });
}

}  // namespace

std::string shown_state(const VmObject& vm) {
  if (!vm.paused.empty()) return "paused";
  return vm.silent ? "silent" : std::string(vm::to_string(vm.state));
}

std::span<const FilterKey> filter_keys() { return kFilterKeys; }

Result<> keep_matching(std::vector<VmObject>& vms, const std::vector<std::string>& filters) {
  for (const auto& filter : filters) TRY(keep_matching(vms, filter));
  return {};
}

void sort_by(std::vector<VmObject>& vms, std::string_view column) {
  if (column == "name") return sort_up(vms, &VmObject::name);
  if (column == "state") return sort_up(vms, shown_state);
  if (column == "image") return sort_up(vms, &VmObject::image);
  if (column == "vcpu") return sort_down(vms, &VmObject::vcpus);
  if (column == "memory") return sort_down(vms, &VmObject::memory_bytes);
  if (column == "disk") return sort_down(vms, &VmObject::disk_bytes);
  if (column == "age") return sort_down(vms, &VmObject::created_at);
}

}  // namespace banger::roles::cli

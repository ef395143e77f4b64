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

struct Filter {
  std::string_view key;
  bool (*matches)(const VmObject& vm, const std::string& value);
};
constexpr Filter kFilters[] = {{"name", matches_name}, {"state", has_state},     {"status", has_state},
                               {"image", has_image},   {"network", has_network}, {"label", has_label}};

Result<> keep_matching(std::vector<VmObject>& vms, const std::string& text) {
  auto at = text.find('=');
  auto key = text.substr(0, at);
  auto filter = std::ranges::find(kFilters, key, &Filter::key);
  if (at == text.npos || filter == std::end(kFilters))
    return fail(ErrorCode::invalid, fmt::format("--filter: '{}' is no filter", printable(text)),
                "write it like state=running; other keys are name, image, network and label");
  std::erase_if(vms, [&](const auto& vm) { return !filter->matches(vm, text.substr(at + 1)); });
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

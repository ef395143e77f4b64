// Which VMs a list shows, and in which order. Pure.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "api/objects/vm.h"
#include "base/result.h"

namespace banger::roles::cli {

/// What the VM does, for people: its state, or "paused" or "silent" while it stands still.
std::string shown_state(const api::VmObject& vm);

inline constexpr std::string_view kSortColumns[] = {"name", "state", "image", "vcpu", "memory", "disk", "age"};

/// What a filter can ask for.
struct FilterKey {
  std::string_view name;
  std::span<const std::string_view> choices;  ///< the only values allowed; empty: any text
};
std::span<const FilterKey> filter_keys();

/// Removes the VMs that do not match all filters. A filter is KEY=VALUE: name (a pattern with * and ?), state, image,
/// network, or label, whose VALUE is KEY or KEY=VALUE. `invalid` for anything else, and for a state or network that no
/// VM can have.
Result<> keep_matching(std::vector<api::VmObject>& vms, const std::vector<std::string>& filters);

/// Sorts by one of kSortColumns: words alphabetically, the largest sizes and the youngest VMs first. Equal VMs keep
/// their order.
void sort_by(std::vector<api::VmObject>& vms, std::string_view column);

}  // namespace banger::roles::cli

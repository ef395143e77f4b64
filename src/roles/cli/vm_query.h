// Which VMs a list shows, and in which order. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "api/objects/vm.h"
#include "base/result.h"

namespace banger::roles::cli {

/// What the VM does, for people: its state, or "paused" or "silent" while it stands still.
std::string shown_state(const api::VmObject& vm);

inline constexpr std::string_view kSortColumns[] = {"name", "state", "image", "vcpu", "memory", "disk", "age"};

/// Removes the VMs that do not match all filters. A filter is KEY=VALUE: name (a pattern with * and ?), state, image,
/// network, or label, whose VALUE is KEY or KEY=VALUE. `invalid` for anything else.
Result<> keep_matching(std::vector<api::VmObject>& vms, const std::vector<std::string>& filters);

/// Sorts by one of kSortColumns: words alphabetically, the largest sizes and the youngest VMs first. Equal VMs keep
/// their order.
void sort_by(std::vector<api::VmObject>& vms, std::string_view column);

}  // namespace banger::roles::cli

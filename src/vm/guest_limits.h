// The limits of what a guest takes from the other guests and from its host: of its disks, for example. Pure.
#pragma once

#include <string>

#include "vm/spec.h"

namespace banger::vm {

/// `invalid` for a limit with which no guest can work. 0 is no limit, and always good.
Result<> check_guest_limits(const Spec& spec);

/// "20M/s"
std::string rate_text(std::uint64_t bytes);
/// "100 operations/s, 20M/s"; empty: no limit.
std::string disk_limit_text(std::uint32_t iops, std::uint64_t bandwidth_bytes);

}  // namespace banger::vm

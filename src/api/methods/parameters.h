// Parameters that many methods have.
#pragma once

#include "api/method.h"

namespace banger::api {

inline constexpr Parameter kVmParameter{.name = "vm", .required = true, .help = "A name, an id or a unique id prefix"};

inline constexpr std::string_view kWaits[] = {"agent", "system"};
inline constexpr Parameter kWaitParameter{
    .name = "wait",
    .initial = "\"agent\"",
    .help = "`agent` waits until the agent answers, `system` until the guest has booted",
    .choices = kWaits,
};

inline constexpr Parameter kColdParameter{
    .name = "cold",
    .type = Type::boolean,
    .initial = "false",
    .help = "Boots the VM from its disks",
};

}  // namespace banger::api

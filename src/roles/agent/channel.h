// Finding the byte channel to the host: a virtio-serial port by its name (virtio 1.1, section 5.3).
#pragma once

#include <string>

#include "base/unique_fd.h"
#include "host/runtime.h"

namespace banger::roles::agent {

inline constexpr std::string_view kChannelName = "banger.agent";

/// The device of the port called `name`, e.g. "/dev/vport0p1"; `not_found` while there is none.
Result<std::string> find_port(std::string_view name, const std::string& sys = "/sys/class/virtio-ports", const std::string& dev = "/dev");

/// Waits until it is there (its driver may be loading) and opens it. `timeout` after the deadline.
Task<Result<UniqueFd>> open_port(host::Runtime& runtime, host::Deadline deadline);

}  // namespace banger::roles::agent

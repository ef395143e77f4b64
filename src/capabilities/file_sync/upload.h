// Sends one packed entry to the agent, and reads the agent's answer. The guest is hostile.
#pragma once

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "base/unique_fd.h"
#include "host/runtime.h"
#include "link/link.h"

namespace banger::capabilities {

/// What the guest did not unpack, as path and reason. Both are printable.
using NotUnpacked = std::vector<std::pair<std::string, std::string>>;

/// `tar` is borrowed. `top` is the first component of every name. Errors are those of the link and of the guest,
/// `cancelled` soon after `given_up` is true, and `timeout` after limits::kSyncDeadline.
Task<Result<NotUnpacked>> upload_entry(host::Runtime& runtime, link::Client& client, int tar, std::string top,
                                       std::function<bool()> given_up);

}  // namespace banger::capabilities

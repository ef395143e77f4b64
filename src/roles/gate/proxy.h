// Takes the connections of guests with a policy, which the firewall has sent here, and judges each.
#pragma once

#include <memory>

#include "base/unique_fd.h"
#include "roles/gate/guests.h"

namespace banger::roles::gate {

/// Serves until the process ends. The guests outlive it.
Result<> serve_connections(host::Runtime& runtime, UniqueFd listening, Guests& guests);

}  // namespace banger::roles::gate

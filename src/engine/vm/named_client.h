// A link whose errors name the VM, for requests that an owner waits for.
#pragma once

#include <memory>

#include "engine/vm/record.h"
#include "link/link.h"

namespace banger::engine {

/// Errors of requests, and of the answers' heads, begin with the name that the VM has at that moment. A `timeout` also
/// gets a hint. Everything else is as with `client`.
std::shared_ptr<link::Client> with_name(std::shared_ptr<link::Client> client, std::shared_ptr<VmRecord> record);

}  // namespace banger::engine

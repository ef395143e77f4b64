// One call for each of many VMs (or snapshots, templates), at the same time, over one connection.
#pragma once

#include <functional>
#include <string>

#include "base/json.h"
#include "roles/cli/command.h"

namespace banger::roles::cli {

/// What is said of one result after "NAME: ".
using Describe = std::function<std::string(const Json& result)>;

/// For the command's positionals, each once. One failure does not stop the others: every VM gets its line, on standard
/// output or as an error, and the status is kFailed when any failed.
/// `params` are the same for all; the positional is added as `key`.
Result<int> fan_out(Context& context, std::string_view method, const Json& params, const Describe& describe,
                    std::string_view key = "vm");

}  // namespace banger::roles::cli

// Many calls at the same time over one connection: one call for each VM, snapshot or template.
#pragma once

#include <functional>
#include <string>

#include "base/json.h"
#include "roles/cli/command.h"

namespace banger::roles::cli {

/// The text after "NAME: " for one result.
using Describe = std::function<std::string(const Json& result)>;

/// Makes one call for each of the command's positionals, and only one for a repeated positional. A failure does not
/// stop the other calls. Every VM gets a line, on standard output or as an error. The status is kFailed if any call
/// failed. The calls have the same `params`, and the positional as `key`.
Result<int> fan_out(Context& context, std::string_view method, const Json& params, const Describe& describe,
                    std::string_view key = "vm");

}  // namespace banger::roles::cli

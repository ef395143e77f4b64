// The values of `--secret`: variables of this process's environment, unless the config has another place for them.
#pragma once

#include "base/json.h"
#include "roles/cli/command.h"

namespace banger::roles::cli {

/// Adds `secret_values` to the parameters of vm.create or vm.set, if a secret's value comes from here. A daemon that
/// this process starts later does not inherit the variables. `invalid` for a variable that is not set.
Result<> add_secret_values(Context& context, Json& params);

/// The names that the config has, for completion.
std::vector<std::string> secret_names(const Io& io);

}  // namespace banger::roles::cli

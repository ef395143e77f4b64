// Files of variables, in the format that `docker run --env-file` reads. Pure.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace banger::roles::cli {

/// Adds the variables of a file to `values`. A line is KEY=VALUE, or KEY for the value that `own` gives, if any. Lines
/// that are empty or begin with '#' are skipped. Nothing is unquoted, and later lines win. `invalid`, with the number
/// of the line, for a key with white space or without characters.
Result<> add_env_file(std::string_view text, const std::function<std::optional<std::string>(const std::string&)>& own,
                      std::map<std::string, std::string>& values);

}  // namespace banger::roles::cli

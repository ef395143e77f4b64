// Tables with a name of the user's choice: [egress.NAME] and [secrets.NAME].
#pragma once

#include <string>
#include <string_view>

#include "config/config.h"
#include "config/toml_text.h"

namespace banger::config {

bool is_named_table(std::string_view name);
/// Reads all tables below `entry`. Errors begin with `path:line: `. REQUIRES: is_named_table(entry.name).
Result<> read_named(Config& config, const Entry& entry, const std::string& path);

}  // namespace banger::config

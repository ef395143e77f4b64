// What the readers of tables share: values as a file has them, and the error of a key that the schema lacks.
#pragma once

#include <string>
#include <vector>

#include "config/schema.h"
#include "config/toml_text.h"

namespace banger::config {

Written written_of(const toml::node& node);

/// `known`: further keys that the user may have meant.
std::unexpected<Error> unknown_key(const std::string& name, std::vector<std::string> known = {});

}  // namespace banger::config

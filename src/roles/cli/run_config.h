// Rows of `image show` and `vm show` about how programs of an image want to run.
#pragma once

#include <optional>

#include "api/objects/image.h"
#include "roles/cli/table.h"

namespace banger::roles::cli {

/// Adds a row for each member that has a value.
void add_run_config(Table& table, const std::optional<api::RunConfigObject>& config);

}  // namespace banger::roles::cli

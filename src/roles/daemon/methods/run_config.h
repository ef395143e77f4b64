// How the programs of an image want to run, for clients.
#pragma once

#include <optional>

#include "api/objects/image.h"
#include "image/run_config.h"

namespace banger::roles::daemon {

/// nullopt when the image does not say how.
std::optional<api::RunConfigObject> run_config_object(const image::RunConfig& config);

}  // namespace banger::roles::daemon

// Images and kernels on demand. Before a create, a missing image or kernel is made once, with progress reports.
#pragma once

#include <string>

#include "engine/services.h"
#include "engine/stages.h"
#include "image/kernel/store.h"
#include "image/store.h"

namespace banger::engine {

/// The image by name. Builds a missing image if there is a recipe of that name, and otherwise pulls it from a registry.
Task<Result<image::Image>> ensure_image(Services& services, std::string name, Stages& stages, host::Cancel& cancel);

/// The kernel by name. Pulls a missing kernel if a source for that name is known.
Task<Result<image::Kernel>> ensure_kernel(Services& services, std::string name, Stages& stages, host::Cancel& cancel);

}  // namespace banger::engine

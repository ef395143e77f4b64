// Images and kernels on demand: what a create needs and is missing is made first, once, with progress.
#pragma once

#include <string>

#include "engine/services.h"
#include "engine/stages.h"
#include "image/kernel/store.h"
#include "image/store.h"

namespace banger::engine {

/// The image by name; built from its recipe when it is one and missing.
Task<Result<image::Image>> ensure_image(Services& services, std::string name, Stages& stages, host::Cancel& cancel);

/// The kernel by name; pulled when it can be and is missing.
Task<Result<image::Kernel>> ensure_kernel(Services& services, std::string name, Stages& stages, host::Cancel& cancel);

}  // namespace banger::engine

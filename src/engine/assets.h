// Images and kernels on demand. Before a create, a missing image or kernel is made once, with progress reports.
#pragma once

#include <string>

#include "engine/services.h"
#include "engine/stages.h"
#include "image/kernel/store.h"
#include "image/store.h"

namespace banger::engine {

/// The image by name. A missing image is made as the catalog says, and otherwise pulled from a registry.
Task<Result<image::Image>> ensure_image(Services& services, std::string name, Stages& stages, host::Cancel& cancel);

/// The kernel by name. A missing kernel is made as the catalog says.
Task<Result<image::Kernel>> ensure_kernel(Services& services, std::string name, Stages& stages, host::Cancel& cancel);

}  // namespace banger::engine

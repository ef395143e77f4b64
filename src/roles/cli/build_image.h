// Builds an image in this process. A daemon that is a system service cannot build images, because it cannot gain
// privileges.
#pragma once

#include <string>

#include "base/result.h"
#include "roles/cli/io.h"

namespace banger::roles::cli {

/// Returns the id of the new image. `cancelled` when `interrupt_fd` becomes readable.
Result<std::string> build_image_here(const Io& io, const std::string& name, int interrupt_fd);

}  // namespace banger::roles::cli

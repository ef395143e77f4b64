// Building an image in this process: for a daemon that may not gain privileges, as one that is a system service.
#pragma once

#include <string>

#include "base/result.h"
#include "roles/cli/io.h"

namespace banger::roles::cli {

/// Gives the new image's id. Readable `interrupt_fd` cancels.
Result<std::string> build_image_here(const Io& io, const std::string& name, int interrupt_fd);

}  // namespace banger::roles::cli

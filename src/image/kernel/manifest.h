// manifest.json of a kernel. KernelStore writes and reads it. Not for other folders.
#pragma once

#include "image/kernel/store.h"

namespace banger::image {

/// `module_files`: names under modules/, in load order. The paths in `kernel` are not written, because they follow from
/// the manifest's own path.
Result<> write_kernel_manifest(const std::string& path, const Kernel& kernel,
                               const std::vector<std::string>& module_files);

}  // namespace banger::image

// manifest.json of a kernel, written by those who add kernels and read by the store. Not for other folders.
#pragma once

#include "image/kernel/store.h"

namespace banger::image {

/// `module_files`: names under modules/, in load order. The paths in `kernel` are not written: they follow from where
/// it lies.
Result<> write_kernel_manifest(const std::string& path, const Kernel& kernel,
                               const std::vector<std::string>& module_files);

}  // namespace banger::image

// Which init an image has, read from its ext4 without mounting it.
#pragma once

#include <string>

#include "base/result.h"
#include "guest/init.h"

namespace banger::image {

Result<guest::InitKind> detect_init(const std::string& image_path);

}  // namespace banger::image

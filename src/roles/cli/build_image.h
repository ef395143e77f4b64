// Builds an image from a recipe. A daemon that is a system service cannot build images, because it cannot gain
// privileges. This process then builds the image.
#pragma once

#include <string>

#include "api/objects/image.h"
#include "base/result.h"
#include "roles/cli/connect.h"

namespace banger::roles::cli {

Result<api::ImageObject> build_recipe(Io& io, Daemon& daemon, const std::string& name);

}  // namespace banger::roles::cli

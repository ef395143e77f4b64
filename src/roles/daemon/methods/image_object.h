// An image as the object of docs/rpc.md.
#pragma once

#include "api/objects/image.h"
#include "image/store.h"
#include "roles/daemon/methods/methods.h"

namespace banger::roles::daemon {

api::ImageObject image_object(Daemon& daemon, const image::Image& image);
/// With what lists leave out.
api::ImageObject full_image_object(Daemon& daemon, const image::Image& image);

}  // namespace banger::roles::daemon

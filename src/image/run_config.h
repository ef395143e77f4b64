// The part of an image's own configuration that its VMs honour. The guest config carries the same values into a guest.
#pragma once

#include "guestcfg/run_config.h"

namespace banger::image {

using guestcfg::RunConfig;

}  // namespace banger::image

// --quiet of the commands that make things.
#pragma once

#include "roles/cli/command.h"

namespace banger::roles::cli {

/// The context's Io for progress and notes. With --quiet it has no standard error. Errors go to the context's own Io.
inline Io io_for_progress(const Context& context) {
  Io io = context.io;
  if (context.args.flag("quiet")) io.err = -1;
  return io;
}

}  // namespace banger::roles::cli

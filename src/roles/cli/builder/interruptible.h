// Blocking work of this process that Ctrl-C ends.
#pragma once

#include <functional>

#include "image/stoppable.h"
#include "roles/cli/terminal.h"

namespace banger::roles::cli {

/// Runs the work on a thread. Meanwhile calls `tell` now and then, and sets the flag of the work when a signal comes.
/// The result is `cancelled` then, whatever the work returned. Waits for the end of the work in any case.
Result<> run_interruptible(const Signals& signals, const std::function<void()>& tell,
                           const std::function<Result<>(const image::StopFlag& stop)>& work);

}  // namespace banger::roles::cli

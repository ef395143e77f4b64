#include "roles/agent/system_ready.h"

#include <sys/inotify.h>
#include <unistd.h>

namespace banger::roles::agent {

Task<Result<>> wait_for_system(ContextPtr context, host::Deadline deadline) {
  UniqueFd watch(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
  if (!watch) co_return fail_errno("watch the run directory");
  while (context->settling > 0)
    if (!co_await context->settled.wait(deadline)) co_return Result<>();
  // Watching starts before the first check, so the file cannot appear unseen between the two.
  if (::inotify_add_watch(watch.get(), context->run_dir.path().c_str(), IN_CREATE | IN_MOVED_TO) < 0)
    co_return fail_errno(context->run_dir.path());
  while (!context->run_dir.system_ready()) {
    if (!CO_TRY(co_await host::wait_readable(context->runtime, watch.get(), deadline))) break;
    char events[4096];
    while (::read(watch.get(), events, sizeof events) > 0) {
    }
  }
  co_return Result<>();
}

}  // namespace banger::roles::agent

#include "image/oci/keyed_locks.h"

#include "image/oci/bounds.h"

namespace banger::image::oci {

Task<Result<KeyedLocks::Lock>> KeyedLocks::lock(std::string key, host::Cancel& cancel, std::function<void()> waiting) {
  // An event has no memory, and a coroutine cannot wait for two. So the end of the caller is noticed a moment later.
  while (held_.contains(key)) {
    CO_TRY(cancel.check());
    if (waiting) waiting();
    (void)co_await changed_.wait(host::after(limits::kPullTick));
  }
  CO_TRY(cancel.check());
  held_.insert(key);
  co_return Lock(this, std::move(key));
}

}  // namespace banger::image::oci

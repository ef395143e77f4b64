#include "host/foreground.h"

#include "host/bounds.h"

namespace banger::host {

Task<> Foreground::wait_idle() {
  for (;;) {
    auto now = Clock::now();
    if (calls_ == 0 && now - last_ >= limits::kForegroundQuiet) co_return;
    if (calls_ > 0)
      co_await ended_.wait();
    else
      co_await ended_.wait(last_ + limits::kForegroundQuiet);
  }
}

}  // namespace banger::host

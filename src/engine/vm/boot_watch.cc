#include "engine/vm/boot_watch.h"

#include "engine/bounds.h"

namespace banger::engine {

bool BootWatch::hangs(host::Clock::time_point now, std::chrono::microseconds used) {
  if (used >= limits::kBootProcessorTime * vcpus_) return true;
  if (used_.count() < 0 || used - used_ >= limits::kIdleProcessorTime) {
    used_ = used;
    since_ = now;
  }
  return now - since_ >= limits::kIdleBoot;
}

void BootWatch::stands(host::Clock::time_point now) { since_ = now; }

}  // namespace banger::engine

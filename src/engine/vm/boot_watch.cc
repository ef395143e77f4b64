#include "engine/vm/boot_watch.h"

#include <filesystem>

#include "engine/bounds.h"
#include "host/files.h"

namespace banger::engine {

bool waits_for_disk(const std::string& tasks) {
  std::error_code error;
  for (std::filesystem::directory_iterator at(tasks, error), end; !error && at != end; at.increment(error)) {
    auto stat = host::read_file(at->path().string() + "/stat", limits::kProcStatBytes);
    if (!stat) continue;             // the thread has ended
    auto state = stat->rfind(") ");  // its name may have anything
    if (state != stat->npos && stat->substr(state + 2, 1) == "D") return true;
  }
  return false;
}

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

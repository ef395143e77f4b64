#include "engine/health/upkeep.h"

#include "machine/bounds.h"
#include "machine/log_bound.h"

namespace banger::engine {

Task<> poll_metrics(Services& services, VmManager& vms) {
  if (services.config.metrics_poll_interval.count() == 0) co_return;
  auto every = std::max<std::chrono::milliseconds>(services.config.metrics_poll_interval, limits::kMetricsPollFloor);
  for (;;) {
    co_await services.runtime.sleep_for(every);
    for (const auto& vm : vms.everything()) co_await vm->read_metrics(std::chrono::milliseconds(0));
  }
}

Task<> bound_logs(Services& services, VmManager& vms) {
  for (;;) {
    co_await services.runtime.sleep_for(limits::kLogLook);
    std::vector<std::string> directories;
    for (const auto& vm : vms.everything())
      if (vm->machine()) directories.push_back(vm->directory());
    if (directories.empty()) continue;
    co_await services.runtime.blocking([&directories] {
      for (const auto& directory : directories) machine::bound_logs(directory);
      return true;
    });
  }
}

}  // namespace banger::engine

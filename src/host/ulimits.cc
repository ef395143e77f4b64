#include "host/ulimits.h"

#include <fmt/format.h>
#include <signal.h>
#include <sys/resource.h>

#include <algorithm>

#include "base/text.h"
#include "host/bounds.h"

namespace banger::host {

namespace {

enum class Unit { bytes, seconds, count };

struct Need {
  __rlimit_resource_t resource;
  const char *what, *option;
  Unit unit;
  rlim_t enough;  ///< machines need no more
};

constexpr Need kNeeds[] = {
    {RLIMIT_FSIZE, "the size of a file", "-f", Unit::bytes, RLIM_INFINITY},
    {RLIMIT_CPU, "processor time", "-t", Unit::seconds, RLIM_INFINITY},
    {RLIMIT_AS, "address space", "-v", Unit::bytes, RLIM_INFINITY},
    {RLIMIT_DATA, "data memory", "-d", Unit::bytes, RLIM_INFINITY},
    {RLIMIT_NPROC, "processes of this user", "-u", Unit::count, limits::kProcessesNeeded},
    {RLIMIT_NOFILE, "open files", "-n", Unit::count, limits::kDescriptorsNeeded},
};

// RLIM_INFINITY is the highest number.
void raise(const Need& need) {
  rlimit limit{};
  if (::getrlimit(need.resource, &limit) < 0 || limit.rlim_cur >= need.enough) return;
  rlimit wanted{.rlim_cur = need.enough, .rlim_max = std::max(limit.rlim_max, need.enough)};
  if (::setrlimit(need.resource, &wanted) == 0) return;
  limit.rlim_cur = std::min(limit.rlim_max, need.enough);
  (void)::setrlimit(need.resource, &limit);
}

std::string text_of(rlim_t value, Unit unit) {
  if (unit == Unit::bytes) return format_size(value);
  return fmt::format("{}{}", value, unit == Unit::seconds ? " s" : "");
}

}  // namespace

void raise_limits() {
  for (const auto& need : kNeeds) raise(need);
  rlimit core{};
  if (::getrlimit(RLIMIT_CORE, &core) == 0) {
    core.rlim_cur = 0;
    (void)::setrlimit(RLIMIT_CORE, &core);
  }
  ::signal(SIGXFSZ, SIG_IGN);
}

std::vector<LowLimit> low_limits() {
  std::vector<LowLimit> low;
  for (const auto& need : kNeeds) {
    rlimit limit{};
    if (::getrlimit(need.resource, &limit) == 0 && limit.rlim_cur < need.enough)
      low.push_back({need.what, need.option, text_of(limit.rlim_cur, need.unit)});
  }
  return low;
}

}  // namespace banger::host

#include "engine/health/disk_space.h"

#include <fmt/format.h>

#include "base/text.h"
#include "engine/bounds.h"
#include "host/files.h"

namespace banger::engine {

using capabilities::Check;
using capabilities::CheckStatus;

namespace {

std::string detail_of(const Services& services, std::uint64_t free) {
  return fmt::format("{} free in {}", format_size(free), services.paths.state);
}

}  // namespace

Check check_disk_space(const Services& services) {
  auto free = host::free_space(services.paths.state);
  if (!free) return {"disk space", CheckStatus::warn, free.error().message, ""};
  auto detail = detail_of(services, *free);
  if (*free < limits::kDiskSpaceNeeded)
    return {"disk space", CheckStatus::fail, detail + "; a guest that finds no room is paused until there is some",
            "a VM needs about 1G; free some, or point XDG_STATE_HOME at a bigger disk"};
  return {"disk space", *free < limits::kDiskSpaceRecommended ? CheckStatus::warn : CheckStatus::pass, detail, ""};
}

std::string low_disk_space(const Services& services) {
  auto free = host::free_space(services.paths.state);
  if (!free || *free >= limits::kDiskSpaceNeeded) return "";
  return fmt::format("only {}; a guest that finds no room is paused until there is some", detail_of(services, *free));
}

}  // namespace banger::engine

#include "roles/agent/exec/login_limits.h"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>

#include "roles/agent/bounds.h"

namespace banger::roles::agent {

namespace {

// Only root may raise a hard limit. An agent that is not root (in tests) keeps its own.
host::ResourceLimit allowed(__rlimit_resource_t resource, std::uint64_t soft, std::uint64_t hard) {
  rlimit own{};
  if (::geteuid() != 0 && ::getrlimit(resource, &own) == 0) hard = std::min<std::uint64_t>(hard, own.rlim_max);
  return {.resource = resource, .soft = std::min(soft, hard), .hard = hard};
}

}  // namespace

std::vector<host::ResourceLimit> login_limits() {
  std::vector<host::ResourceLimit> list{allowed(RLIMIT_NOFILE, limits::kLoginOpenFiles, limits::kLoginMostOpenFiles)};
  // pam_limits(8) takes the limits of PID 1 as defaults. systemd raises its own limit of locked memory.
  rlimit locked{};
  if (::prlimit(1, RLIMIT_MEMLOCK, nullptr, &locked) == 0)
    list.push_back(allowed(RLIMIT_MEMLOCK, locked.rlim_cur, locked.rlim_max));
  return list;
}

}  // namespace banger::roles::agent

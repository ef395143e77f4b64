#include "host/confine.h"

#include <fmt/format.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

namespace banger::host {

namespace {

struct Sets {
  __user_cap_data_struct low{}, high{};
};

// Raw system calls affect this thread only. libcap would be a whole library for two calls.
Result<Sets> current() {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  Sets sets;
  __user_cap_data_struct data[2];
  if (::syscall(SYS_capget, &header, data) < 0) return fail_errno("capget");
  sets.low = data[0];
  sets.high = data[1];
  return sets;
}

Result<> set_current(const Sets& sets) {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct data[2] = {sets.low, sets.high};
  if (::syscall(SYS_capset, &header, data) < 0) return fail_errno("capset");
  return {};
}

__user_cap_data_struct half(std::uint64_t keep, unsigned shift, bool inheritable) {
  auto bits = static_cast<std::uint32_t>(keep >> shift);
  return {.effective = bits, .permitted = bits, .inheritable = inheritable ? bits : 0};
}

// The kernel gives capabilities to the programs of root only. Those of another user need ambient ones.
Result<> pass_on(std::uint64_t keep) {
  for (int number = 0; number < 64; ++number)
    if (keep >> number & 1)
      if (::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, number, 0, 0) < 0)
        return fail_errno(fmt::format("pass on capability {}", number));
  return {};
}

// The kernel returns EINVAL for the first number that it does not know.
Result<> narrow_bounding_set(std::uint64_t keep) {
  for (int number = 0; number < 64; ++number) {
    int held = ::prctl(PR_CAPBSET_READ, number);
    if (held < 0) break;
    if (!held || (keep >> number & 1)) continue;
    if (::prctl(PR_CAPBSET_DROP, number) < 0)
      return fail_errno(fmt::format("drop capability {} from the bounding set", number));
  }
  return {};
}

}  // namespace

Result<std::uint64_t> effective_capabilities() {
  auto sets = TRY(current());
  return std::uint64_t{sets.high.effective} << 32 | sets.low.effective;
}

Result<> keep_capabilities(std::uint64_t keep) {
  // Only a process with CAP_SETPCAP can narrow its bounding set. A process without CAP_SETPCAP had its set narrowed
  // earlier. A program that it starts under no-new-privileges gets no more than the process has.
  if (TRY(effective_capabilities()) >> CAP_SETPCAP & 1) TRY(narrow_bounding_set(keep));
  ::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
  bool root = ::geteuid() == 0;
  TRY(set_current({half(keep, 0, !root), half(keep, 32, !root)}));
  return root ? Result<>() : pass_on(keep);
}

Result<> forbid_new_privileges() {
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0) return fail_errno("forbid new privileges");
  return {};
}

}  // namespace banger::host

#include "host/prove_confinement.h"

#include <fcntl.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <thread>

#include "base/unique_fd.h"
#include "host/confine.h"
#include "host/landlock.h"

namespace banger::host {

namespace {

Result<> prove_no_new_privileges() {
  TRY(forbid_new_privileges());
  if (::prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1) return {};
  return fail(ErrorCode::internal, "the kernel forbids no new privileges");
}

Result<> prove_system_calls() {
  auto code = vmm_system_calls(VmmSockets::none);
  sock_fprog filter{static_cast<unsigned short>(code.size()), code.data()};
  if (::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) < 0) return fail_errno("filter system calls");
  UniqueFd made(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!made && errno == EAFNOSUPPORT) return {};
  return fail(ErrorCode::internal, "the filter of system calls refuses nothing");
}

Result<int> prove_landlock() {
  auto version = TRY(landlock_version());
  auto rules = TRY(make_ruleset({}));
  if (::syscall(SYS_landlock_restrict_self, rules.get(), 0) < 0) return fail_errno("restrict a thread with Landlock");
  UniqueFd opened(::open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!opened && errno == EACCES) return version;
  return fail(ErrorCode::internal, "Landlock restricts nothing");
}

}  // namespace

// Every part affects the calling thread only.
Confinement prove_confinement() {
  Confinement found;
  try {
    std::thread([&found] {
      found.no_new_privileges = prove_no_new_privileges();
      found.landlock = prove_landlock();
      found.system_calls = prove_system_calls();
    }).join();
  } catch (const std::system_error& error) {
    auto failed = fail_errno("start a thread", error.code().value());
    return {.no_new_privileges = failed, .system_calls = failed, .landlock = failed};
  }
  return found;
}

}  // namespace banger::host

// Limits that a shell may have set, in processes of their own.
#include "host/ulimits.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cerrno>

#include "base/unique_fd.h"
#include "catch.h"
#include "host/child.h"
#include "host/confine.h"
#include "support/temp_dir.h"

using namespace banger;

namespace {

void set(__rlimit_resource_t resource, rlim_t soft, rlim_t hard) {
  rlimit limit{.rlim_cur = soft, .rlim_max = hard};
  if (::setrlimit(resource, &limit) < 0) ::_exit(100);
}

rlim_t soft(__rlimit_resource_t resource) {
  rlimit limit{};
  return ::getrlimit(resource, &limit) == 0 ? limit.rlim_cur : 0;
}

/// The exit code of `work` in a copy of this process.
int in_copy(const std::function<int()>& work) {
  auto child = host::fork_to(work);
  REQUIRE(child.has_value());
  return child->wait().shell_code();
}

/// As another user, who may not raise hard limits.
bool become_unprivileged() { return ::geteuid() != 0 || ::setresuid(65534, 65534, 65534) == 0; }

}  // namespace

TEST_CASE("limits: soft limits are raised as far as the hard ones allow") {
  CHECK(in_copy([] {
          set(RLIMIT_FSIZE, 1 << 20, RLIM_INFINITY);
          set(RLIMIT_CPU, 1, RLIM_INFINITY);
          set(RLIMIT_NOFILE, 100, 5000);
          if (!become_unprivileged()) return 99;
          host::raise_limits();
          if (soft(RLIMIT_FSIZE) != RLIM_INFINITY || soft(RLIMIT_CPU) != RLIM_INFINITY) return 1;
          return soft(RLIMIT_NOFILE) == 5000 && soft(RLIMIT_CORE) == 0 ? 0 : 2;
        }) == 0);
}

TEST_CASE("limits: root raises hard limits too") {
  auto powers = host::effective_capabilities();
  if (!powers || !(*powers & std::uint64_t{1} << CAP_SYS_RESOURCE)) {
    printf("SKIPPED: limits: root raises hard limits too: this process may not raise them\n");
    return;
  }
  CHECK(in_copy([] {
          set(RLIMIT_FSIZE, 1 << 20, 1 << 20);
          host::raise_limits();
          return soft(RLIMIT_FSIZE) == RLIM_INFINITY ? 0 : 1;
        }) == 0);
}

TEST_CASE("limits: those that stay too low are named") {
  CHECK(in_copy([] {
          set(RLIMIT_FSIZE, 1000 << 10, 1000 << 10);
          set(RLIMIT_CPU, 77, 77);
          if (!become_unprivileged()) return 99;
          host::raise_limits();
          std::string all;
          for (const auto& low : host::low_limits()) all += low.what + " " + low.option + " " + low.value + "\n";
          if (all.find("the size of a file -f 1000K\n") == all.npos) return 1;
          return all.find("processor time -t 77 s\n") == all.npos ? 2 : 0;
        }) == 0);
}

TEST_CASE("limits: a file that is too large is an error, here and in programs that are started") {
  test::TempDir directory;
  auto path = directory / "file";
  CHECK(in_copy([&] {
          set(RLIMIT_FSIZE, 4096, 4096);
          if (!become_unprivileged()) return 99;
          ::signal(SIGXFSZ, SIG_DFL);
          host::raise_limits();
          UniqueFd file(::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
          if (!file) file = UniqueFd(::open("/dev/shm", O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600));
          std::string bytes(8192, 'x');
          if (::write(file.get(), bytes.data(), 4096) != 4096) return 1;
          if (::write(file.get(), bytes.data(), 4096) >= 0 || errno != EFBIG) return 2;
          auto child = host::spawn(
              {.argv = {"sh", "-c", "printf x 2>/dev/null; test $? -ne 0"}, .env = {}, .stdout_fd = file.get()});
          return child && child->wait().shell_code() == 0 ? 0 : 3;
        }) == 0);
}

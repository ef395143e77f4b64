#include "host/start_async.h"

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <thread>

#include "catch.h"

using namespace banger;

TEST_CASE("start async: the work runs on another thread") {
  auto here = std::this_thread::get_id();
  auto started = host::start_async([] { return std::this_thread::get_id(); });
  REQUIRE(started);
  CHECK(started->get() != here);
}

TEST_CASE("start async: a host without another thread for the user is an error") {
  pid_t child = ::fork();
  if (child == 0) {
    rlimit none{0, 0};
    bool limited = ::setrlimit(RLIMIT_NPROC, &none) == 0 && (::geteuid() != 0 || ::setresuid(65534, 65534, 65534) == 0);
    if (!limited) ::_exit(2);
    auto started = host::start_async([] { return 1; });
    ::_exit(!started && started.error().sys_errno == EAGAIN ? 0 : 1);
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  CHECK(status == 0);
}

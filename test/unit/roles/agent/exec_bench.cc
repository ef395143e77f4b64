// Figures, run by name only: unit_agent '[bench]'. Compares an exec with a direct start of the same program.
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "harness.h"

using namespace banger;
using namespace banger::roles::agent;
using test::Agent;

namespace {

constexpr int kRounds = 500;

double microseconds(host::Clock::time_point since) {
  return std::chrono::duration<double, std::micro>(host::Clock::now() - since).count();
}

void print(const char* what, std::vector<double> times) {
  std::ranges::sort(times);
  std::printf("%-28s p50 %7.0f us   p90 %7.0f us\n", what, times[times.size() / 2], times[times.size() * 9 / 10]);
}

double spawn_once() {
  auto start = host::Clock::now();
  char* argv[] = {const_cast<char*>("/bin/true"), nullptr};
  pid_t pid = 0;
  if (::posix_spawn(&pid, argv[0], nullptr, nullptr, argv, environ) == 0) ::waitpid(pid, nullptr, 0);
  return microseconds(start);
}

}  // namespace

TEST_CASE("bench: exec of /bin/true over the link beside posix_spawn of it", "[.][bench]") {
  std::vector<double> bare, exec;
  Agent agent;
  agent.run([&](Agent& a) -> Task<> {
    for (int i = 0; i < 20; ++i) co_await a.exec({.argv = {"/bin/true"}});
    // In turns, so that both run under the same load.
    for (int i = 0; i < kRounds; ++i) {
      bare.push_back(spawn_once());
      auto start = host::Clock::now();
      co_await a.exec({.argv = {"/bin/true"}});
      exec.push_back(microseconds(start));
    }
  });
  print("posix_spawn /bin/true", bare);
  print("exec /bin/true, link included", exec);
}

#include "roles/agent/measure_spawn.h"

#include <fmt/format.h>

#include <chrono>

#include "host/child.h"

namespace banger::roles::agent {

Result<> measure_spawn(int rounds, const std::string& program) {
  for (int i = 0; i < rounds; ++i) {
    auto start = std::chrono::steady_clock::now();
    auto child = TRY(host::spawn({.argv = {program}, .new_session = true, .default_oom_score = true}));
    child.wait();
    fmt::print("{:.3f}\n", std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count());
  }
  return {};
}

}  // namespace banger::roles::agent

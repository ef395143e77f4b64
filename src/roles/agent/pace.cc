#include "roles/agent/pace.h"

#include <algorithm>

namespace banger::roles::agent {

namespace {

using std::chrono::milliseconds;

constexpr int kTurns = 4;  // a first command and the steps before it take about three times as long as the identity
constexpr milliseconds kAtLeast(700), kAtMost(5000);

}  // namespace

milliseconds for_first_command(std::chrono::nanoseconds identity_took) {
  return std::clamp(std::chrono::duration_cast<milliseconds>(identity_took) * kTurns, kAtLeast, kAtMost);
}

}  // namespace banger::roles::agent

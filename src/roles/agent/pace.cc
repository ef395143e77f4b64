#include "roles/agent/pace.h"

#include <algorithm>

#include "roles/agent/bounds.h"

namespace banger::roles::agent {

namespace {

using std::chrono::milliseconds;

constexpr int kTurns = 4;  // a first command and the steps before it take about three times as long as the identity

}  // namespace

milliseconds for_first_command(std::chrono::nanoseconds identity_took) {
  return std::clamp(std::chrono::duration_cast<milliseconds>(identity_took) * kTurns,
                    milliseconds(limits::kLeastFirstCommand), milliseconds(limits::kMostFirstCommand));
}

}  // namespace banger::roles::agent

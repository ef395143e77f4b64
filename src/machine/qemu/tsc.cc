#include <time.h>
#include <x86intrin.h>

#include "machine/qemu/qemu.h"

namespace banger::machine::qemu {

namespace {

constexpr std::uint64_t kBaselineNs = 20'000'000;  // with samples good to 100 ns: 5 ppm
constexpr int kTries = 16;

struct Sample {
  std::uint64_t tsc = 0, monotonic_ns = 0;
};

std::uint64_t monotonic_ns() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000 + static_cast<std::uint64_t>(now.tv_nsec);
}

// Reads both clocks at one instant: the try with the smallest disturbance of several.
Sample sample() {
  Sample best;
  std::uint64_t narrowest = UINT64_MAX;
  for (int i = 0; i < kTries; ++i) {
    std::uint64_t before = __rdtsc();
    std::uint64_t now = monotonic_ns();
    std::uint64_t width = __rdtsc() - before;
    if (width >= narrowest) continue;
    narrowest = width;
    best = {before + width / 2, now};
  }
  return best;
}

}  // namespace

std::uint64_t host_tsc_khz() {
  Sample first = sample();
  timespec pause{0, static_cast<long>(kBaselineNs)};
  while (::nanosleep(&pause, &pause) < 0) {
  }
  Sample second = sample();
  return (second.tsc - first.tsc) * 1'000'000 / (second.monotonic_ns - first.monotonic_ns);
}

}  // namespace banger::machine::qemu

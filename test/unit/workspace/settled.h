// Waits for the clock of a file system.
#pragma once

#include <sys/stat.h>

#include <chrono>
#include <thread>

#include "catch.h"
#include "workspace/stat_cache.h"

namespace banger::test {

/// Returns when a later change of the file gets another stamp for sure.
inline void wait_settled(const std::string& path) {
  struct stat info{};
  REQUIRE(::stat(path.c_str(), &info) == 0);
  while (!workspace::Stamp::of(info).is_settled(workspace::stamp_clock()))
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
}

}  // namespace banger::test

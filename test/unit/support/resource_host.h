// What a host resource is made from, for tests: a store in a directory of its own, and a given Privileged.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "capabilities/resource_host.h"
#include "catch.h"
#include "support/no_gate.h"
#include "support/run.h"
#include "support/temp_dir.h"

namespace banger::test {

/// The id of the VM in these tests.
inline constexpr const char* kVm = "abcdefghijkl";

template <class Operations>
struct TestHost {
  TestHost() { store = std::move(*store::Store::open(directory / "db")); }
  capabilities::ResourceHost resource_host() {
    return {runtime, log, paths, config, *store, operations, operations, gate, {}};
  }
  template <class T>
  auto run(Task<T> task) {
    return test::run(runtime, std::move(task));
  }
  /// Owners of the journal's entries of that kind.
  std::vector<std::string> owners(const std::string& kind) {
    std::vector<std::string> found;
    auto journal = store->journal().value();
    for (const auto& entry : journal)
      if (entry.kind == kind) found.push_back(entry.owner);
    return found;
  }

  TempDir directory;
  host::Runtime runtime;
  Logger log{-1, LogLevel::error};
  host::Paths paths;
  config::Config config;
  Operations operations;
  NoGate gate;
  std::unique_ptr<store::Store> store;
};

}  // namespace banger::test

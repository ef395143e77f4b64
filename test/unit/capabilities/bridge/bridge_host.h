// What the bridge's tests share: a helper that makes nothing, and a host with a store in memory.
#pragma once

#include <fcntl.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "capabilities/resource_host.h"
#include "catch.h"
#include "support/run.h"
#include "support/temp_dir.h"

namespace banger::capabilities {

/// A helper that makes nothing, and records its calls.
struct Operations final : Privileged {
  Task<Result<PrivilegedReply>> call(std::string operation, std::string arguments) override {
    asked.push_back(operation + " " + arguments);
    if (operation.starts_with(fails)) co_return fail(code, "not today");
    PrivilegedReply reply;
    if (operation == "bridge.ensure") reply.result = R"({"name": "br-t", "address": "172.16.0.1", "prefix": 24})";
    if (operation == "tap.create") reply.fds.emplace_back(::open("/dev/null", O_RDWR | O_CLOEXEC));
    co_return reply;
  }
  Way way() const override { return is; }
  std::size_t count(std::string_view operation) const {
    return static_cast<std::size_t>(
        std::ranges::count_if(asked, [&](const auto& each) { return each.starts_with(operation); }));
  }
  std::vector<std::string> asked;
  std::string fails = "nothing";
  ErrorCode code = ErrorCode::busy;
  Way is = Way::helper;
};

inline constexpr const char* kVm = "abcdefghijkl";

/// A host with one recorded VM, kVm.
struct BridgeHost {
  BridgeHost() {
    config.bridge_name = "br-unit-test";
    store = std::move(*store::Store::open(directory / "db"));
    store::VmRow row{.id = kVm, .name = "a"};
    REQUIRE(store->insert_vm(row, {}));
  }
  ResourceHost resource_host() { return {runtime, log, paths, config, *store, operations, {}}; }
  template <class T>
  auto run(Task<T> task) {
    return test::run(runtime, std::move(task));
  }
  /// Owners of the journal's entries of that kind.
  std::vector<std::string> owners(const std::string& kind) {
    std::vector<std::string> found;
    for (const auto& entry : *store->journal())
      if (entry.kind == kind) found.push_back(entry.owner);
    return found;
  }

  test::TempDir directory;
  host::Runtime runtime;
  Logger log{-1, LogLevel::error};
  host::Paths paths;
  config::Config config;
  Operations operations;
  std::unique_ptr<store::Store> store;
};

}  // namespace banger::capabilities

// What the bridge's tests share: a helper that makes nothing, and a host with one VM.
#pragma once

#include <fcntl.h>
#include <sys/socket.h>

#include <algorithm>
#include <functional>
#include <string>
#include <vector>

#include "net/bound_socket.h"
#include "net/dns_relay.h"
#include "support/resource_host.h"

namespace banger::capabilities {

/// A helper that makes nothing, and records its calls.
struct Operations final : Privileged {
  Task<Result<PrivilegedReply>> call(std::string operation, std::string arguments) override {
    asked.push_back(operation + " " + arguments);
    if (watcher) watcher(operation);
    if (operation.starts_with(fails)) co_return fail(code, "not today");
    PrivilegedReply reply;
    if (operation == "bridge.ensure") reply.result = R"({"name": "br-t", "address": "172.16.0.1", "prefix": 24})";
    if (operation == "tap.create") reply.fds.emplace_back(::open("/dev/null", O_RDWR | O_CLOEXEC));
    if (operation == "names.listen") {
      auto sockets = net::open_dns_sockets({0x7f000001, 0});
      REQUIRE(sockets);
      reply.fds.push_back(std::move(sockets->udp));
      reply.fds.push_back(std::move(sockets->tcp));
    }
    if (operation == "proxy.listen") {
      auto socket = net::bound_socket(SOCK_STREAM, {0x7f000001, 0}, 16);
      REQUIRE(socket);
      reply.fds.push_back(std::move(*socket));
    }
    co_return reply;
  }
  Way way() const override { return is; }
  std::shared_ptr<const host::Namespaces> network() const override { return private_network; }
  std::optional<Error> missing() const override { return lacks; }
  Task<> rest() override {
    ++rests;
    co_return;
  }
  std::size_t count(std::string_view operation) const {
    return static_cast<std::size_t>(
        std::ranges::count_if(asked, [&](const auto& each) { return each.starts_with(operation); }));
  }
  std::vector<std::string> asked;
  std::function<void(const std::string& operation)> watcher = {};  ///< sees every call before its effect
  std::string fails = "nothing";
  ErrorCode code = ErrorCode::busy;
  Way is = Way::helper;
  std::shared_ptr<const host::Namespaces> private_network;
  std::optional<Error> lacks;
  int rests = 0;
};

using test::kVm;

/// A host with one recorded VM, kVm.
struct BridgeHost : test::TestHost<Operations> {
  BridgeHost() {
    config.bridge_name = "br-unit-test";
    store::VmRow row{.id = kVm, .name = "a"};
    REQUIRE(store->insert_vm(row, {}));
  }
};

}  // namespace banger::capabilities

// A server of the gate's methods, and calls over its real socket.
#pragma once

#include <sys/socket.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include "catch.h"
#include "host/unix_socket.h"
#include "roles/gate/methods.h"
#include "rpc/protocol.h"
#include "support/run.h"
#include "support/temp_dir.h"

namespace banger::roles::gate {

inline constexpr net::Ipv4 kAddress = 0xac100005;

struct MethodsFixture {
  MethodsFixture() {
    add_methods(*server, methods);
    auto listener = host::listen_unix(directory / "s");
    REQUIRE(listener);
    runtime.spawn(server->serve(std::move(*listener), ::geteuid()));
  }
  UniqueFd ask(const std::string& method, const Json& params) {
    auto socket = host::connect_unix(directory / "s");
    REQUIRE(socket);
    auto request = rpc::encode_call(1, method, params);
    REQUIRE(request);
    REQUIRE(host::send_with_fds(socket->get(), *request) == request->size());
    return std::move(*socket);
  }
  /// nullopt: there is no answer yet.
  std::optional<Result<Json>> answer(const UniqueFd& socket,
                                     std::chrono::milliseconds patience = std::chrono::seconds(30)) {
    auto line = test::run(runtime, read_line(runtime, socket.get(), patience));
    if (line.empty()) return std::nullopt;
    auto reply = rpc::parse_reply(line);
    REQUIRE(reply);
    if (reply->kind == rpc::Reply::Kind::error) return Result<Json>(std::unexpected(reply->error));
    return Result<Json>(reply->result);
  }
  Result<Json> call(const std::string& method, const Json& params) {
    auto reply = answer(ask(method, params));
    REQUIRE(reply);
    return *reply;
  }
  void set(const char* vm, const std::vector<std::string>& rules) {
    Json policy = {{"egress", "none"}, {"allow", rules}};
    REQUIRE(call("gate.set", {{"vm", vm}, {"address", "172.16.0.5"}, {"policy", policy}}));
  }
  static Task<std::string> read_line(host::Runtime& runtime, int socket, std::chrono::milliseconds patience) {
    std::string line;
    std::vector<UniqueFd> none;
    while (!line.ends_with('\n')) {
      auto readable = co_await host::wait_readable(runtime, socket, host::after(patience));
      if (!readable || !*readable) co_return "";
      auto more = host::receive_with_fds(socket, line, none, MSG_DONTWAIT);
      if (!more && more.error().code != ErrorCode::busy) co_return "";
      if (more && !*more) co_return "";
    }
    line.pop_back();
    co_return line;
  }

  test::TempDir directory;
  host::Runtime runtime;
  Logger log{-1};
  Guests guests{runtime, {0xac100000, 24}};
  Methods methods{runtime, guests, "1.0 172.16.0.1/24 host", {.tcp = 2001, .names_udp = 2002, .names_tcp = 2003}};
  std::unique_ptr<rpc::Server> server = rpc::make_server(runtime, log);
};

}  // namespace banger::roles::gate

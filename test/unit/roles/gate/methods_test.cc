// What the daemon asks of the gate, over a real socket.
#include "roles/gate/methods.h"

#include <fmt/format.h>
#include <sys/socket.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include "catch.h"
#include "host/unix_socket.h"
#include "roles/gate/bounds.h"
#include "rpc/protocol.h"
#include "support/run.h"
#include "support/temp_dir.h"

using namespace banger;
using namespace banger::roles::gate;
using namespace std::chrono_literals;
using egress::Reason;

namespace {

constexpr net::Ipv4 kAddress = 0xac100005;

struct Fixture {
  Fixture() {
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
  std::optional<Result<Json>> answer(const UniqueFd& socket, std::chrono::milliseconds patience = 30s) {
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

}  // namespace

TEST_CASE("gate methods: a gate says which one it is") {
  Fixture f;
  auto info = f.call("gate.info", Json::object());
  REQUIRE(info);
  CHECK(info->at("place") == "1.0 172.16.0.1/24 host");
  CHECK(info->at("pid") == ::getpid());
  CHECK(info->at("tcp") == 2001);
  CHECK(info->at("names_udp") == 2002);
  CHECK(info->at("names_tcp") == 2003);
}

TEST_CASE("gate methods: policies come, change and go") {
  Fixture f;
  f.set("a", {"a.org"});
  REQUIRE(f.guests.at(kAddress));
  CHECK(f.guests.at(kAddress)->policy() == *egress::Policy::make("none", {"a.org"}));
  f.set("a", {"b.org"});
  CHECK(f.guests.at(kAddress)->policy() == *egress::Policy::make("none", {"b.org"}));
  REQUIRE(f.call("gate.clear", {{"vm", "a"}}));
  CHECK_FALSE(f.guests.at(kAddress));
  CHECK(f.guests.find("a"));
  REQUIRE(f.call("gate.forget", {{"vm", "a"}}));
  CHECK_FALSE(f.guests.find("a"));
  CHECK(f.call("gate.clear", {{"vm", "nobody"}}));
}

TEST_CASE("gate methods: what is malformed is refused, and never becomes a policy") {
  Fixture f;
  const Json good = {{"vm", "a"}, {"address", "172.16.0.5"}, {"policy", {{"egress", "none"}}}};
  const std::pair<const char*, Json> bad[] = {{"vm", 3},
                                              {"vm", nullptr},
                                              {"address", "172.16.0"},
                                              {"address", 5},
                                              {"policy", nullptr},
                                              {"policy", "none"},
                                              {"policy", {{"egress", "Open"}}},
                                              {"policy", {{"allow", {"a:0"}}}},
                                              {"policy", {{"deny", Json::array()}}}};
  for (const auto& [key, value] : bad) {
    auto params = good;
    params[key] = value;
    INFO(dump_json(params));
    CHECK_FALSE(f.call("gate.set", params));
  }
  auto without = good;
  without.erase("policy");
  CHECK_FALSE(f.call("gate.set", without));
  CHECK_FALSE(f.guests.at(kAddress));
  CHECK_FALSE(f.call("gate.log", {{"vm", "a"}, {"since", -1}}));
  CHECK_FALSE(f.call("gate.log", {{"since", 0}}));
  CHECK_FALSE(f.call("gate.refusals", {{"after", "x"}}));
  CHECK_FALSE(f.call("gate.clear", Json::object()));
}

TEST_CASE("gate methods: the log of a guest, and of one that nobody knows") {
  Fixture f;
  f.set("a", {});
  f.guests.find("a")->note({.name = "x.org", .reason = Reason::name_not_allowed});
  auto log = f.call("gate.log", {{"vm", "a"}, {"since", 0}});
  REQUIRE(log);
  REQUIRE(log->at("rows").size() == 1);
  CHECK(log->at("rows")[0].at("name") == "x.org");
  CHECK(log->at("sequence") == 1);
  CHECK(log->at("forgotten") == 0);
  CHECK(log->at("more") == false);
  auto later = f.call("gate.log", {{"vm", "a"}, {"since", 1}});
  REQUIRE(later);
  CHECK(later->at("rows").empty());
  CHECK(later->at("sequence") == 1);
  auto unknown = f.call("gate.log", {{"vm", "b"}, {"since", 7}});
  REQUIRE(unknown);
  CHECK(unknown->at("rows").empty());
  CHECK(unknown->at("sequence") == 7);
  CHECK(unknown->at("more") == false);
}

TEST_CASE("gate methods: a long log comes in parts without a gap") {
  Fixture f;
  f.set("a", {});
  auto guest = f.guests.find("a");
  for (int i = 0; i < 1000; ++i) guest->note({.name = fmt::format("{:0>255}", i), .reason = Reason::name_not_allowed});
  std::uint64_t since = 0;
  std::size_t rows = 0, parts = 0;
  for (bool more = true; more; ++parts) {
    auto log = f.call("gate.log", {{"vm", "a"}, {"since", since}});
    REQUIRE(log);
    CHECK(dump_json(log->at("rows")).size() <= limits::kGateLogBytes + 2 * log->at("rows").size());
    for (const auto& row : log->at("rows")) CHECK(row.at("sequence") == ++rows);
    since = log->at("sequence");
    more = log->at("more");
  }
  CHECK(rows == 1000);
  CHECK(parts > 1);
}

TEST_CASE("gate methods: whoever asks for refusals waits for the first one") {
  Fixture f;
  f.set("a", {});
  auto asks = f.ask("gate.refusals", {{"after", 0}});
  CHECK_FALSE(f.answer(asks, 30ms));
  f.guests.find("a")->note({.name = "x.org", .reason = Reason::name_not_allowed});
  auto answer = f.answer(asks);
  REQUIRE(answer);
  REQUIRE(*answer);
  Json expected =
      Json::array({Json{{"sequence", 1}, {"vm", "a"}, {"sentence", "no rule of the policy allows the name x.org"}}});
  CHECK((*answer)->at("refusals") == expected);
  // One that is there already is told at once, and not again.
  CHECK(f.call("gate.refusals", {{"after", 0}})->at("refusals") == expected);
  CHECK_FALSE(f.answer(f.ask("gate.refusals", {{"after", 1}}), 30ms));
}

TEST_CASE("gate methods: the gate ends when it is told to, after its answer") {
  Fixture f;
  CHECK(f.call("gate.end", Json::object()));
  bool late = false;
  f.runtime.spawn([](host::Runtime& runtime, bool& out) -> Task<> {
    co_await runtime.sleep_for(30s);
    out = true;
    runtime.stop();
  }(f.runtime, late));
  f.runtime.io().restart();
  f.runtime.run();
  CHECK_FALSE(late);
}

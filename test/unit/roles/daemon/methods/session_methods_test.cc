// vm.session.*: what the guest is asked, and what a caller gets.
#include <algorithm>

#include "base/base64.h"
#include "link/bounds.h"
#include "roles/daemon/bounds.h"
#include "roles/daemon/methods/method_fixture.h"

using namespace banger;
using vm::State;

namespace {

Json session_answer(const std::string& name = "build") {
  return {{"id", "abc"},     {"name", name},       {"command", "make"}, {"cwd", "/root"},   {"user", ""},
          {"input", "pipe"}, {"state", "running"}, {"pid", 12},         {"code", 0},        {"signal", 0},
          {"reason", ""},    {"started_ms", 5000}, {"ended_ms", 0},     {"attached", false}};
}

struct Fixture : test::MethodFixture {
  /// A VM "web", whose guest answers all requests about sessions.
  Fixture() : vm(running("web")) {
    vms.registry().add(vm);
    for (auto path : {"/sessions", "/sessions/show", "/sessions/send", "/sessions/signal", "/sessions/resize",
                      "/sessions/stop", "/sessions/logs"})
      guest().answers[path] = dump_json(session_answer());
    guest().heard.clear();
  }
  test::FakeGuest& guest() { return *host.of(vm->record().id())->guest; }
  Result<Json> call(std::string_view method, Json params) {
    params["vm"] = "web";
    return MethodFixture::call(method, params);
  }
  std::shared_ptr<engine::VmOwner> vm;
};

}  // namespace

TEST_CASE("vm.session: each method asks the guest its own question about the session of that name") {
  const struct {
    const char *method, *verb, *path;
  } kCalls[] = {{"vm.session.show", "GET", "/sessions/show"},      {"vm.session.send", "POST", "/sessions/send"},
                {"vm.session.signal", "POST", "/sessions/signal"}, {"vm.session.resize", "POST", "/sessions/resize"},
                {"vm.session.stop", "POST", "/sessions/stop"},     {"vm.session.kill", "POST", "/sessions/stop"},
                {"vm.session.delete", "DELETE", "/sessions"}};
  Fixture f;
  for (const auto& call : kCalls) {
    INFO(call.method);
    f.guest().heard.clear();
    auto name = std::string("a b&c=%/é");
    auto result =
        f.call(call.method, {{"session", name}, {"signal", 15}, {"rows", 24}, {"cols", 80}, {"data", to_base64("hi")}});
    REQUIRE(result);
    CHECK(result->at("name") == "build");
    CHECK(result->at("vm") == "web");
    REQUIRE(f.guest().heard.size() == 1);
    CHECK(f.guest().heard[0].method == call.verb);
    CHECK(f.guest().heard[0].path == call.path);
    CHECK(f.guest().heard[0].session == name);
  }
}

TEST_CASE("vm.session.send: the bytes arrive as they are, and too many are refused before the guest hears of them") {
  Fixture f;
  auto bytes = std::string("\0\xff\n", 3);
  REQUIRE(f.call("vm.session.send", {{"session", "build"}, {"data", to_base64(bytes)}}));
  CHECK(f.guest().heard.back().body == bytes);
  f.guest().heard.clear();
  auto refused = f.call("vm.session.send",
                        {{"session", "build"}, {"data", to_base64(std::string(limits::kSessionInputBytes + 1, 'x'))}});
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == ErrorCode::invalid);
  CHECK(f.guest().heard.empty());
}

TEST_CASE("vm.session.start: a session without a name gets one, and a wrong one is refused before the guest hears") {
  Fixture f;
  REQUIRE(f.call("vm.session.start", {{"argv", {"make", "all"}}, {"env", {{"A", "1"}}}, {"require", {"make"}}}));
  auto body = parse_json(f.guest().heard.back().body, 1 << 20);
  REQUIRE(body);
  CHECK_FALSE(body->at("name").get<std::string>().empty());
  CHECK(f.guest().heard.back().body.contains("make"));
  f.guest().heard.clear();
  for (const char* name : {"no/slash", ""}) {
    auto refused = f.call("vm.session.start", {{"argv", {"make"}}, {"name", name}});
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == ErrorCode::invalid);
  }
  CHECK_FALSE(f.call("vm.session.show", {{"session", std::string(limits::kSessionNameBytes + 1, 'x')}}));
  CHECK(f.guest().heard.empty());
}

TEST_CASE("vm.session.start: tries other names when one that it chose is in use, but not another than the caller's") {
  Fixture f;
  f.log.fail_on("agent /sessions", ErrorCode::exists);
  CHECK(f.call("vm.session.start", {{"argv", {"make"}}}).error().code == ErrorCode::exists);
  CHECK(std::ranges::count(f.log.steps(), "agent /sessions") == limits::kSessionNameTries);
  f.log.fail_on("agent /sessions", ErrorCode::exists);
  CHECK_FALSE(f.call("vm.session.start", {{"argv", {"make"}}, {"name", "mine"}}));
  CHECK(std::ranges::count(f.log.steps(), "agent /sessions") == 1);
}

TEST_CASE("vm.session: an answer that makes no sense is an error about the guest") {
  for (const char* answer : {"[]", "{\"name\": 7}", "no json"}) {
    Fixture f;
    f.guest().answers["/sessions/show"] = answer;
    auto shown = f.call("vm.session.show", {{"session", "build"}});
    REQUIRE_FALSE(shown);
  }
}

TEST_CASE("vm.session: reading wakes nobody, and writing resumes a suspended VM") {
  Fixture f;
  REQUIRE(f.suspend(*f.vm));
  for (const char* method : {"vm.session.list", "vm.session.show", "vm.session.logs"}) {
    auto refused = f.call(method, {{"session", "build"}});
    REQUIRE_FALSE(refused);
    CHECK(refused.error().message == "vm 'web' is suspended");
  }
  CHECK(f.vm->state() == State::suspended);
  (void)f.call("vm.session.send", {{"session", "build"}, {"data", ""}});
  CHECK(f.vm->state() == State::running);
  CHECK(f.guest().heard.back().path == "/sessions/send");
}

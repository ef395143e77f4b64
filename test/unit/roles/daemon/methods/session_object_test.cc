// What a hostile guest answers about its sessions.
#include "roles/daemon/methods/session_object.h"

#include <nlohmann/json.hpp>

#include "catch.h"
#include "roles/daemon/bounds.h"

using namespace banger;
using namespace banger::roles::daemon;

namespace {

Json answer() {
  return {{"id", "abc"},     {"name", "one"},      {"command", "make"}, {"cwd", "/root"},   {"user", ""},
          {"input", "pipe"}, {"state", "exited"},  {"pid", 12},         {"code", 3},        {"signal", 0},
          {"reason", ""},    {"started_ms", 5000}, {"ended_ms", 7999},  {"attached", false}};
}

}  // namespace

TEST_CASE("session object: takes what an agent answers") {
  auto object = session_object(answer(), "web");
  REQUIRE(object.has_value());
  CHECK(object->vm == "web");
  CHECK(object->exit_code == 3);
  CHECK_FALSE(object->exit_signal);
  CHECK(object->started_at == 5);
  CHECK(object->ended_at == 7);
  auto running = answer();
  running["state"] = "running";
  CHECK_FALSE(session_object(running, "web")->exit_code);
}

TEST_CASE("session object: texts become printable and short") {
  auto json = answer();
  json["command"] = "\x1b[2J" + std::string(100'000, 'x');
  json["reason"] = std::string(100'000, '\n');
  auto object = session_object(json, "web");
  REQUIRE(object.has_value());
  CHECK(object->command.starts_with("\\x1b[2J"));
  CHECK(object->command.size() < 2000);
  CHECK(object->reason.size() <= 4 * limits::kSessionReasonBytes + 16);
}

TEST_CASE("session object: impossible values are refused, and the field is named") {
  const std::pair<const char*, Json> wrong[] = {{"state", "happy"},  {"input", "file"}, {"pid", -1},     {"code", 256},
                                                {"signal", 65},      {"name", 7},       {"attached", 1}, {"pid", 1e30},
                                                {"started_ms", "x"}, {"ended_ms", -1}};
  for (const auto& [key, value] : wrong) {
    auto json = answer();
    json[key] = value;
    auto object = session_object(json, "web");
    REQUIRE_FALSE(object.has_value());
    CHECK(object.error().code == ErrorCode::corrupt);
    CHECK(object.error().message.find(key) != std::string::npos);
  }
  CHECK_FALSE(session_object(Json::array(), "web").has_value());
}

TEST_CASE("session list: a guest cannot make it endless") {
  Json rows = Json::array();
  for (std::size_t i = 0; i < limits::kSessionRows + 10; ++i) rows.push_back(answer());
  auto list = session_list(Json{{"sessions", rows}}, "web");
  REQUIRE(list.has_value());
  CHECK(list->sessions.size() == limits::kSessionRows);
  CHECK_FALSE(session_list(Json::object(), "web").has_value());
  CHECK_FALSE(session_list(Json{{"sessions", {1}}}, "web").has_value());
}

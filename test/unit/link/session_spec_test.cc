// What a session is, on its way to the guest.
#include "link/session_spec.h"

#include <nlohmann/json.hpp>

#include "catch.h"
#include "link/session_bounds.h"

using namespace banger;
using namespace banger::link;

TEST_CASE("session spec: arrives as it was sent, whatever its bytes are") {
  SessionSpec spec{.name = "one",
                   .input = SessionInput::pty,
                   .required = {"git", "\xff"},
                   .command = {.argv = {"sh", "\xfe"}, .env = {{"A", "b"}}, .cwd = "/x", .rows = 7}};
  auto got = session_spec_from_json(to_json(spec));
  REQUIRE(got.has_value());
  CHECK(got->name == "one");
  CHECK(got->input == SessionInput::pty);
  CHECK(got->required == spec.required);
  CHECK(got->command.argv == spec.command.argv);
  CHECK(got->command.env == spec.command.env);
  CHECK(got->command.cwd == "/x");
  CHECK(got->command.rows == 7);
  CHECK(got->command.tty);
}

TEST_CASE("session spec: the input decides about the terminal, and a session is never detached") {
  auto json = to_json(SessionSpec{.name = "one", .required = {}, .command = {.argv = {"a"}}});
  json["command"]["tty"] = true;
  CHECK_FALSE(session_spec_from_json(json)->command.tty);
  json["command"]["tty"] = false;
  json["command"]["detach"] = true;
  CHECK_FALSE(session_spec_from_json(json)->command.detach);
}

TEST_CASE("session spec: what no guest can start is refused") {
  auto good = to_json(SessionSpec{.name = "one", .required = {}, .command = {.argv = {"a"}}});
  auto with = [&](const char* key, Json value) {
    auto json = good;
    json[key] = std::move(value);
    return session_spec_from_json(json).has_value();
  };
  CHECK(session_spec_from_json(good).has_value());
  for (auto name : {"", "-a", "A", "a b", "a/b", "..", "\xff"}) CHECK_FALSE(with("name", name));
  CHECK_FALSE(with("name", std::string(64, 'a')));
  CHECK(with("name", std::string(63, 'a')));
  CHECK_FALSE(with("input", "file"));
  CHECK_FALSE(with("required", "git"));
  CHECK_FALSE(with("required", Json::array({""})));
  CHECK_FALSE(with("required", Json(std::vector<std::string>(limits::kRequiredCommands + 1, "a"))));
  CHECK_FALSE(with("command", Json{{"argv", {""}}}));
  CHECK_FALSE(with("unknown", 1));
  good.erase("command");
  CHECK_FALSE(session_spec_from_json(good).has_value());
}

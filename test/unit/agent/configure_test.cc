// POST /configure, applied to a directory as provisioning does it.
#include <sys/stat.h>

#include <nlohmann/json.hpp>

#include "base/text.h"
#include "guestcfg/guest_config.h"
#include "harness.h"

using namespace banger;
using namespace banger::roles::agent;
using test::Agent;

namespace {

std::string config_text(const std::string& token) {
  guestcfg::GuestConfig config;
  config.files.push_back({.path = "/etc/made/by-configure", .mode = 0640, .data = "hello\n"});
  config.environment["CONFIGURED"] = "now";
  config.link_token = token;
  return dump_json(guestcfg::to_json(config, guestcfg::Contents::inline_data));
}

}  // namespace

TEST_CASE("configure: applies the config, and its environment to later commands") {
  Agent agent;
  agent.run([](Agent& a) -> Task<> {
    auto applied = co_await a.call("POST", "/configure", config_text(""));
    if (!applied) { FAIL_CHECK(applied.error().sentence()); co_return; }
    auto told = co_await a.exec({.argv = {"sh", "-c", "echo $CONFIGURED $FROM_CONFIG"}});
    CHECK(told.out == "now\n");
  });
  CHECK(host::read_file(agent.run_dir / "root/etc/made/by-configure", 100) == "hello\n");
  // A restarted agent knows it too, and keeps the token it was not told to change.
  auto saved = agent.context->run_dir.load_config();
  REQUIRE(saved);
  CHECK(saved->environment == Environment{{"CONFIGURED", "now"}});
  CHECK(saved->link_token == "0123456789abcdef");
}

TEST_CASE("configure: a new token opens the next session") {
  std::string token(16, '\x42');
  Agent agent;
  agent.run([&](Agent& a) -> Task<> {
    auto applied = co_await a.call("POST", "/configure", config_text(to_hex(token)));
    CHECK(applied.has_value());
    auto still = co_await a.call("GET", "/health");
    CHECK(still.has_value());
  });
  CHECK(agent.context->config.link_token == token);
}

TEST_CASE("configure: what is no guest config changes nothing") {
  Agent agent;
  agent.run([](Agent& a) -> Task<> {
    for (const char* text : {"", "[", "[]", R"({"files":[{"path":"relative"}]})", R"({"files":[{"path":"/../../etc/x","data":""}]})"}) {
      auto applied = co_await a.call("POST", "/configure", text);
      CHECK(!applied);
      if (!applied) CHECK(applied.error().code == ErrorCode::invalid);
    }
    auto told = co_await a.exec({.argv = {"sh", "-c", "echo $FROM_CONFIG"}});
    CHECK(told.out == "yes\n");
  });
}

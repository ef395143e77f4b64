// POST /configure, applied to a directory, as provisioning does.
#include <sys/stat.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <vector>

#include "base/text.h"
#include "guestcfg/guest_config.h"
#include "roles/agent/harness.h"
#include "roles/agent/wall_clock.h"
#include "support/sandbox.h"

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
    if (!applied) {
      FAIL_CHECK(applied.error().sentence());
      co_return;
    }
    auto told = co_await a.exec({.argv = {"sh", "-c", "echo $CONFIGURED $FROM_CONFIG"}});
    CHECK(told.out == "now\n");
    // The config for a restart is written after the answer.
    for (int i = 0; i < 500 && a.context->settling > 0; ++i)
      co_await a.runtime.sleep_for(std::chrono::milliseconds(10));
  });
  CHECK(host::read_file(agent.run_dir / "root/etc/made/by-configure", 100) == "hello\n");
  // A restarted agent knows it too, and keeps the token, which the request did not change.
  auto saved = agent.context->run_dir.load_config();
  REQUIRE(saved);
  CHECK(saved->environment == Environment{{"CONFIGURED", "now"}});
  CHECK(saved->link_token == "0123456789abcdef");
}

TEST_CASE("configure: the counts of a guest with a new name begin anew") {
  Agent agent;
  agent.run([](Agent& a) -> Task<> {
    auto named = [](const std::string& name) {
      return dump_json(guestcfg::to_json({.hostname = name}, guestcfg::Contents::inline_data));
    };
    auto uptime = [](const Result<Json>& stats) { return stats ? stats->at("uptime_ms").get<std::int64_t>() : -1; };
    auto before = uptime(co_await a.call("GET", "/stats"));
    CHECK((co_await a.call("POST", "/configure", named("some-clone"))).has_value());
    auto cloned = uptime(co_await a.call("GET", "/stats"));
    CHECK(cloned < before);
    CHECK((co_await a.call("POST", "/configure", named("some-clone"))).has_value());
    auto same = uptime(co_await a.call("GET", "/stats"));
    CHECK(same >= cloned);
  });
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

TEST_CASE("configure: a malformed guest config changes nothing") {
  Agent agent;
  agent.run([](Agent& a) -> Task<> {
    for (const char* text :
         {"", "[", "[]", R"({"files":[{"path":"relative"}]})", R"({"files":[{"path":"/../../etc/x","data":""}]})"}) {
      auto applied = co_await a.call("POST", "/configure", text);
      CHECK(!applied);
      if (!applied) CHECK(applied.error().code == ErrorCode::invalid);
    }
    auto told = co_await a.exec({.argv = {"sh", "-c", "echo $FROM_CONFIG"}});
    CHECK(told.out == "yes\n");
  });
}

TEST_CASE("configure: the first start's commands run behind the answer, and the system is ready after them") {
  if (!banger::test::sandbox_available()) {
    WARN("no namespaces here");
    return;
  }
  CHECK(banger::test::in_sandbox([] {
          std::string failed;
          Agent agent(capabilities::ApplyMode::live);
          std::string out = agent.run_dir / "out", go = agent.run_dir / "go";
          (void)agent.context->run_dir.mark_system_ready();
          agent.run([&](Agent& a) -> Task<> {
            guestcfg::GuestConfig config;
            config.run_once = {
                {"/bin/sh", "-c", "while [ ! -e " + go + " ]; do sleep 0.02; done; echo done >> " + out}};
            auto text = dump_json(guestcfg::to_json(config, guestcfg::Contents::inline_data));
            auto later = co_await a.call("POST", "/configure", text);
            config.first_start = true;
            text = dump_json(guestcfg::to_json(config, guestcfg::Contents::inline_data));
            auto first = co_await a.call("POST", "/configure", text);
            if (!later || !first) failed += "not applied; ";
            auto health = co_await a.call("GET", "/health");
            if (!health || (*health)["system_ready"] != false) failed += "ready too early; ";
            (void)host::write_file(go, "");
            health = co_await a.call("GET", "/health?wait=system");
            if (!health || (*health)["system_ready"] != true) failed += "never ready; ";
          });
          if (host::read_file(out, 100).value_or("") != "done\n") failed += "the commands did not run once";
          return failed;
        }) == "");
}

TEST_CASE("configure: a small step of the clock waits for the first command's turn to end") {
  if (!banger::test::sandbox_available()) {
    WARN("no namespaces here");
    return;
  }
  CHECK(banger::test::in_sandbox([] {
          constexpr std::int64_t kSecond = 1'000'000'000;
          std::string failed;
          Agent agent(capabilities::ApplyMode::live, [](auto) { return std::chrono::milliseconds(60'000); });
          (void)agent.context->run_dir.mark_system_ready();
          std::vector<std::int64_t> steps;
          agent.context->wall_clock = WallClock([&](std::int64_t unix_ns) -> Result<> {
            steps.push_back(std::llround(static_cast<double>(unix_ns - clock_unix_ns()) / kSecond));
            return {};
          });
          agent.run([&](Agent& a) -> Task<> {
            guestcfg::GuestConfig config;
            config.clock_unix_ns = clock_unix_ns() + 2 * kSecond;
            auto text = dump_json(guestcfg::to_json(config, guestcfg::Contents::inline_data));
            auto answer = co_await a.call("POST", "/configure", text);
            if (!answer || (*answer)["clock_unix_ns"].get<std::int64_t>() < clock_unix_ns() + kSecond)
              failed += "the answer does not count the step; ";
            if (!steps.empty()) failed += "the step did not wait; ";
            (void)co_await a.call("GET", "/health?wait=system&hurry=1");
            if (steps != std::vector<std::int64_t>{2}) failed += "the step was not made once; ";
          });
          return failed;
        }) == "");
}

TEST_CASE("configure: a malformed guest config leaves a clone held and frozen") {
  Agent agent;
  REQUIRE(host::write_file(agent.context->run_dir.frozen_path(), ""));
  agent.run([](Agent& a) -> Task<> {
    (void)co_await a.call("POST", "/hold", R"({"hold":true})");
    auto refused = co_await a.call("POST", "/configure", R"({"entropy":"zz"})");
    CHECK(!refused);
  });
  CHECK(agent.context->held);
  CHECK(std::filesystem::exists(agent.context->run_dir.frozen_path()));
}

TEST_CASE("configure: the descriptors for a new identity are open before the first request") {
  Agent agent;
  REQUIRE(agent.context->handles);
  CHECK(agent.context->handles->random.get() >= 0);
  CHECK(agent.context->handles->control.get() >= 0);
}

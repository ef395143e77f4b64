// The agent's short requests from a client's side.
#include "roles/agent/routes.h"

#include <signal.h>
#include <sys/socket.h>

#include <nlohmann/json.hpp>

#include "harness.h"

using namespace banger;
using namespace banger::roles::agent;
using test::Agent;

TEST_CASE("health: gives init, versions and readiness") {
  Agent agent;
  REQUIRE(host::write_file(agent.run_dir / "init", "systemd\n"));
  agent.run([](Agent& a) -> Task<> {
    auto health = co_await a.call("GET", "/health");
    if (!health) {
      FAIL_CHECK(health.error().sentence());
      co_return;
    }
    CHECK((*health)["agent_ready"] == true);
    CHECK((*health)["system_ready"] == false);
    CHECK((*health)["init"] == "systemd");
    CHECK((*health)["version"] == BANGER_VERSION);
    CHECK((*health)["uptime_ms"].get<std::int64_t>() > 0);
    CHECK((*health)["boot_id"].get<std::string>().size() == 36);
    CHECK(!(*health)["kernel"].get<std::string>().empty());
  });
}

TEST_CASE("health: waits until the system is ready, and not when it is") {
  Agent agent;
  agent.run([](Agent& a) -> Task<> {
    bool answered = false;
    auto wait = [](Agent* shared, bool* done) -> Task<> {
      auto health = co_await shared->call("GET", "/health?wait=system");
      *done = health && (*health)["system_ready"] == true;
    };
    a.runtime.spawn(wait(&a, &answered));
    // Another file does not mean ready.
    CHECK(host::write_file(a.run_dir / "other", "").has_value());
    auto before = co_await a.call("GET", "/health");
    CHECK((before && (*before)["system_ready"] == false));
    CHECK(!answered);
    CHECK(a.context->run_dir.mark_system_ready().has_value());
    bool told = co_await a.until([&] { return answered; });
    CHECK(told);
    auto again = co_await a.call("GET", "/health?wait=system");
    CHECK((again && (*again)["system_ready"] == true));
  });
}

TEST_CASE("stats: figures of this machine") {
  Agent agent;
  agent.run([](Agent& a) -> Task<> {
    for (int i = 0; i < 2; ++i) {
      auto stats = co_await a.call("GET", "/stats");
      if (!stats) {
        FAIL_CHECK(stats.error().sentence());
        co_return;
      }
      auto cpu = (*stats)["cpu_percent"].get<double>();
      CHECK(cpu >= 0);
      CHECK(cpu <= 100);
      CHECK((*stats)["memory_total_bytes"].get<std::uint64_t>() > (*stats)["memory_used_bytes"].get<std::uint64_t>());
      CHECK((*stats)["memory_used_bytes"].get<std::uint64_t>() > 0);
      for (const char* name :
           {"disk_read_bytes", "disk_written_bytes", "net_received_bytes", "net_sent_bytes", "uptime_ms", "load1"})
        CHECK((*stats)[name].is_number());
    }
  });
}

TEST_CASE("ports: an answer of the documented shape") {
  UniqueFd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  REQUIRE(::listen(socket.get(), 1) == 0);  // binds to any free port
  Agent agent;
  agent.run([](Agent& a) -> Task<> {
    auto answer = co_await a.call("GET", "/ports");
    if (!answer) {
      FAIL_CHECK(answer.error().sentence());
      co_return;
    }
    bool ours = false;
    for (const auto& row : (*answer)["ports"]) {
      CHECK(row.size() == 6);
      ours |= row["process"] == "unit_agent" && row["protocol"] == "tcp" && row["address"] == "0.0.0.0";
    }
    CHECK(ours);
  });
}

TEST_CASE("routes: an unknown request is not found") {
  Agent agent;
  agent.run([](Agent& a) -> Task<> {
    for (auto [method, path] : {std::pair{"GET", "/nothing"}, {"POST", "/health"}, {"GET", "/health/"}, {"GET", "/"}}) {
      auto answer = co_await a.call(method, path);
      CHECK(!answer);
      if (!answer) CHECK(answer.error().code == ErrorCode::not_found);
      if (!answer) CHECK(answer.error().message.find("does not know") != std::string::npos);
    }
  });
}

TEST_CASE("shutdown: answers, then asks the guest's init") {
  Agent agent;
  REQUIRE(host::write_file(agent.run_dir / "init", "systemd"));
  agent.run([](Agent& a) -> Task<> {
    auto bad = co_await a.call("POST", "/shutdown", R"({"mode":"explode"})");
    CHECK(!bad);
    auto good = co_await a.call("POST", "/shutdown", R"({"mode":"reboot"})");
    CHECK(good.has_value());
    auto plain = co_await a.call("POST", "/shutdown");
    CHECK(plain.has_value());
    bool asked = co_await a.until([&] { return a.shutdowns.size() == 2; });
    CHECK(asked);
  });
  REQUIRE(agent.shutdowns.size() == 2);
  CHECK(agent.shutdowns[0].signal == 39);
  CHECK(agent.shutdowns[1].signal == 38);
}

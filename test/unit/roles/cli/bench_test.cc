// `banger bench`. A fake daemon answers its calls.
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <nlohmann/json.hpp>

#include "catch.h"
#include "helpers.h"
#include "host/files.h"
#include "link/exec_frames.h"
#include "roles/cli/bench_rounds.h"

using namespace banger;
using namespace banger::roles::cli;
using test::vm_object;

namespace {

struct Fixture {
  test::Home home;
  test::FakeDaemon daemon{home};
  std::atomic<int> pooled = 0, asked = 0;

  Fixture() {
    daemon.answers["vm.create"] = [this](const Json& params) -> Result<Json> {
      auto vm = vm_object(params.at("name"));
      vm["way"] = params.value("cold", false) ? "cold" : pooled.exchange(0) ? "pool" : "clone";
      return vm;
    };
    // The pool is ready at the second call.
    daemon.answers["template.list"] = [this](const Json&) -> Result<Json> {
      pooled = ++asked % 2 == 0;
      return Json{{"templates", Json::array()}, {"pool", {{{"state", pooled ? "ready" : "filling"}}}}};
    };
    daemon.answers["vm.exec"] = [](const Json&) -> Result<Json> { return Json::object(); };
    daemon.answers["vm.delete"] = [](const Json& params) -> Result<Json> {
      return Json{{"id", "x"}, {"name", params.at("vm")}};
    };
    daemon.streams["vm.exec"] = [](int socket, const Json&) { say(socket, "hi\n", link::FrameType::exit); };
  }

  // Reads all frames, then answers like a guest.
  static void say(int socket, std::string_view out, link::FrameType end) {
    char chunk[4096];
    (void)!::read(socket, chunk, sizeof chunk);
    std::string bytes;
    if (!out.empty()) link::encode_frame(link::FrameType::stdout_data, out, bytes);
    link::encode_frame(end, link::encode_exit({.code = end == link::FrameType::exit ? 0 : 127}), bytes);
    (void)host::write_all(socket, bytes);
  }

  // The value of `key` in every call of a method.
  std::vector<std::string> sent(const std::string& method, const std::string& key) const {
    std::vector<std::string> values;
    for (const auto& call : daemon.calls())
      if (call.starts_with(method + " "))
        values.push_back(parse_json(call.substr(method.size() + 1), 1 << 20)->at(key).get<std::string>());
    std::ranges::sort(values);
    return values;
  }
};

}  // namespace

TEST_CASE("bench: percentiles are values that were measured") {
  std::vector<double> values;
  for (int i = 100; i >= 1; --i) values.push_back(i);
  auto of = percentiles(values);
  CHECK(of.p50 == 50);
  CHECK(of.p90 == 90);
  CHECK(of.p99 == 99);
  CHECK(percentiles({7}).p99 == 7);
  CHECK(percentiles({1, 2}).p50 == 1);
}

TEST_CASE_METHOD(Fixture, "bench: rounds from the pool, clones and a few boots; all VMs are deleted") {
  auto done = home.run({"bench", "--count", "10", "--memory", "512M", "--image", "debian", "--json"});
  REQUIRE(done.status == 0);
  auto figures = *parse_json(done.out, 1 << 20);
  REQUIRE(figures.size() == 3);
  CHECK(figures[0].at("way") == "pool");
  CHECK(figures[0].at("rounds") == 10);
  CHECK(figures[1].at("way") == "clone");
  CHECK(figures[1].at("rounds") == 10);  // without the first round, which is not counted
  CHECK(figures[2].at("way") == "cold");
  CHECK(figures[2].at("rounds") == 2);
  for (const auto& each : figures) {
    CHECK(each.at("created_ms").at("p50") > 0);
    CHECK(each.at("output_ms").at("p50") > each.at("created_ms").at("p50"));
    CHECK(each.at("total_ms").at("p99") > each.at("output_ms").at("p50"));
  }
  auto made = sent("vm.create", "name");
  CHECK(made.size() == 23);
  CHECK(std::ranges::all_of(made, [](const auto& name) { return name.starts_with("bench-"); }));
  CHECK(sent("vm.delete", "vm") == made);
  for (const auto& call : daemon.calls())
    if (call.starts_with("vm.create ")) {
      auto params = *parse_json(call.substr(10), 1 << 20);
      CHECK(params.at("labels") == Json{{"made-by", "banger-bench"}});
      CHECK(params.at("memory_bytes") == 512 << 20);
      CHECK(params.at("image") == "debian");
    }
}

TEST_CASE_METHOD(Fixture, "bench: prints a table for people that names each figure") {
  auto done = home.run({"bench", "--count", "1"});
  CHECK(done.out.starts_with("WAY    ROUNDS  FROM CREATE TO  P50 MS"));
  CHECK(done.out.find("\nclone  1       first output    ") != std::string::npos);
  CHECK(done.out.find("\ncold   1       deleted         ") != std::string::npos);
  CHECK(home.run({"bench", "--count", "0"}).status == 2);
}

TEST_CASE_METHOD(Fixture, "bench: without a pool in the configuration there is nothing to wait for") {
  REQUIRE(host::make_directories(home.path() + "/.config/banger"));
  REQUIRE(host::write_file(home.path() + "/.config/banger/config.toml", "pool_size = 0\n", 0600));
  auto figures = *parse_json(home.run({"bench", "--count", "1", "--json"}).out, 1 << 20);
  REQUIRE(figures.size() == 2);
  CHECK(figures[0].at("way") == "clone");
  CHECK(daemon.called("template.list") == 0);
}

TEST_CASE_METHOD(Fixture, "bench: a failed command or a lost guest ends the run without leftovers") {
  daemon.streams["vm.exec"] = [](int socket, const Json&) { say(socket, "", link::FrameType::failed); };
  auto failed = home.run({"bench"});
  CHECK(failed.status == 125);
  CHECK(failed.err.find("the image has no 'echo'") != std::string::npos);
  daemon.streams["vm.exec"] = [](int, const Json&) {};
  CHECK(home.run({"bench"}).status == 125);
  CHECK(sent("vm.delete", "vm") == sent("vm.create", "name"));
}

TEST_CASE_METHOD(Fixture, "bench: an interrupt at any step gives status 130, and the VM is deleted") {
  auto thread = ::pthread_self();
  auto interrupt = [thread] {
    ::pthread_kill(thread, SIGINT);
    ::usleep(20'000);
  };
  SECTION("while the VM is made") {
    daemon.answers["vm.create"] = [=](const Json& params) -> Result<Json> {
      interrupt();
      return vm_object(params.at("name"));
    };
  }
  SECTION("while it waits for the pool") {
    daemon.answers["template.list"] = [=](const Json&) -> Result<Json> {
      interrupt();
      return Json{{"pool", Json::array()}};
    };
  }
  SECTION("while the command runs") {
    daemon.streams["vm.exec"] = [=](int, const Json&) { interrupt(); };
  }
  SECTION("while the VM is deleted") {
    daemon.answers["vm.delete"] = [=](const Json& params) -> Result<Json> {
      interrupt();
      return Json{{"id", "x"}, {"name", params.at("vm")}};
    };
  }
  auto done = home.run({"bench"});
  CHECK(done.status == 130);
  CHECK(done.out.empty());
  CHECK(!sent("vm.create", "name").empty());
  CHECK(std::ranges::includes(sent("vm.delete", "vm"), sent("vm.create", "name")));
}

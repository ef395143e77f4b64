// What the daemon tells its gate about secrets. The gate is a thread that notes what it gets.
#include "engine/gate_process.h"

#include <fmt/format.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <mutex>
#include <nlohmann/json.hpp>
#include <thread>

#include "catch.h"
#include "host/files.h"
#include "host/unix_socket.h"
#include "rpc/protocol.h"
#include "support/fake_privileged.h"
#include "support/run.h"
#include "support/temp_dir.h"

using namespace banger;
using namespace banger::engine;
using namespace std::chrono_literals;

namespace {

constexpr const char* kVm = "aaaaaaaaaaaa";

/// Answers each line on a Unix socket, as the gate does.
class FakeGate {
 public:
  explicit FakeGate(const std::string& path)
      : listener_(*host::listen_unix(path)),
        process_(*host::spawn({.argv = {"/bin/sleep", "1000"}, .env = {}})),
        server_([this] { serve(); }) {}
  ~FakeGate() {
    ::shutdown(listener_.get(), SHUT_RDWR);
    server_.join();
  }

  /// The parameters of all calls of the method so far.
  std::vector<Json> calls(const std::string& method) {
    std::lock_guard lock(mutex_);
    std::vector<Json> found;
    for (const auto& [name, params] : calls_)
      if (name == method) found.push_back(params);
    return found;
  }
  /// The methods that are about secrets, in their order.
  std::string order() {
    std::lock_guard lock(mutex_);
    std::string text;
    for (const auto& [name, params] : calls_)
      if (name == "gate.set" || name == "gate.authority" || name == "gate.trust") text += name + " ";
    return text;
  }
  void set_missing(std::vector<std::string> names) {
    std::lock_guard lock(mutex_);
    missing_ = std::move(names);
  }

 private:
  void serve() {
    for (;;) {
      UniqueFd client(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
      if (!client) return;
      std::string line;
      std::vector<UniqueFd> none;
      while (!line.ends_with('\n'))
        if (auto more = host::receive_with_fds(client.get(), line, none); !more || !*more) break;
      if (line.ends_with('\n')) (void)host::send_with_fds(client.get(), answer(line));
    }
  }
  std::string answer(const std::string& line) {
    auto call = *rpc::parse_call(line.substr(0, line.size() - 1));
    if (call.method == "gate.refusals") std::this_thread::sleep_for(20ms);
    std::lock_guard lock(mutex_);
    calls_.emplace_back(call.method, call.params);
    Json result = Json::object();
    if (call.method == "gate.info")
      result = {{"place", BANGER_VERSION " 172.16.0.1/24 host"},
                {"pid", process_.pid()},
                {"tcp", 2001},
                {"names_udp", 2002},
                {"names_tcp", 2003}};
    if (call.method == "gate.set") result["missing"] = missing_;
    return rpc::encode_result(call.id, result);
  }

  UniqueFd listener_;
  host::Child process_;
  std::mutex mutex_;
  std::vector<std::pair<std::string, Json>> calls_;
  std::vector<std::string> missing_;
  std::thread server_;
};

struct Fixture {
  auto run(auto task) { return test::run(runtime, std::move(task)); }

  Fixture() {
    paths = {.home = directory.path(), .state = directory / "state"};
    REQUIRE(host::make_private_directory(paths.state));
    REQUIRE(host::make_private_directory(paths.run()));
    directory.put("cas", "-----BEGIN CERTIFICATE-----\nONE\n-----END CERTIFICATE-----\n");
    ::setenv("SSL_CERT_FILE", (directory / "cas").c_str(), 1);
    config.secrets["COMMAND"].command = "echo of the command";
    fake = std::make_unique<FakeGate>(paths.run() + "/gate.sock");
    REQUIRE(run(gate.open({.bridge = {.name = "br", .address = 0xac100001, .prefix = 24}, .network = nullptr})));
  }
  ~Fixture() {
    run(gate.close());
    ::unsetenv("SSL_CERT_FILE");
  }

  Result<> set(std::vector<vm::Secret> list, const std::string& vm = kVm) {
    return run(gate.set(
        vm, {.address = 0xac100002, .policy = *egress::Policy::make("none", {"a.org"}), .secrets = std::move(list)}));
  }
  void give(const char* name, const char* value, const std::string& vm = kVm) {
    SecretValues::Map map;
    map.emplace(name, SecretText(value));
    secrets.values().add(vm, std::move(map));
  }
  Json last() { return fake->calls("gate.set").back().at("secrets"); }

  test::TempDir directory;
  host::Runtime runtime;
  Logger log{-1};
  host::Paths paths;
  config::Config config;
  test::CallLog calls;
  test::FakePrivileged privileged{calls};
  Secrets secrets{runtime, log, paths, config};
  std::unique_ptr<FakeGate> fake;
  GateProcess gate{runtime, log, paths, config, privileged, secrets, {"/bin/false"}, {}};
};

const vm::Secret kToken{.name = "TOKEN", .hosts = {"a.org"}};

}  // namespace

TEST_CASE("gate process: a guest without secrets needs no authority") {
  Fixture f;
  REQUIRE(f.set({}));
  CHECK(f.fake->order() == "gate.set ");
  CHECK_FALSE(f.fake->calls("gate.set").back().contains("secrets"));
  CHECK_FALSE(std::filesystem::exists(f.paths.state + "/secrets"));
}

TEST_CASE("gate process: the gate gets the authority and the trusted CAs once, before the first secret") {
  Fixture f;
  f.give("TOKEN", "hush");
  REQUIRE(f.set({kToken}));
  REQUIRE(f.set({kToken}));
  CHECK(f.fake->order() == "gate.authority gate.trust gate.set gate.set ");
  auto authority = f.fake->calls("gate.authority").back();
  CHECK(authority.at("key").get<std::string>().starts_with("-----BEGIN PRIVATE KEY-----"));
  CHECK(authority.at("subject").get<std::string>().starts_with("banger of "));
  CHECK(f.fake->calls("gate.trust").back().at("authorities").get<std::string>().find("ONE") != std::string::npos);
  CHECK(f.last() ==
        Json::array(
            {{{"name", "TOKEN"}, {"placeholder", "banger-secret-TOKEN"}, {"value", "hush"}, {"hosts", {"a.org"}}}}));
}

TEST_CASE("gate process: a value that the daemon lacks is left to the gate, which says whether it has the value") {
  Fixture f;
  f.secrets.values().inherit(kVm, "parent");
  f.fake->set_missing({"TOKEN"});
  REQUIRE(f.set({kToken}));
  CHECK(f.last().at(0).at("value").is_null());
  CHECK(f.fake->calls("gate.set").back().at("like") == "parent");
  CHECK_FALSE(f.secrets.is_available(kVm, "TOKEN"));
  f.fake->set_missing({});
  REQUIRE(f.set({kToken}));
  CHECK(f.secrets.is_available(kVm, "TOKEN"));
  f.run(f.gate.clear(kVm));
  CHECK_FALSE(f.secrets.is_available(kVm, "TOKEN"));
}

TEST_CASE("gate process: new values reach the gate of a guest that has a policy, and nobody else") {
  Fixture f;
  f.give("TOKEN", "one");
  REQUIRE(f.set({kToken}));
  f.give("TOKEN", "two");
  REQUIRE(f.run(f.gate.renew(kVm)));
  CHECK(f.last().at(0).at("value") == "two");
  auto before = f.fake->order();
  REQUIRE(f.run(f.gate.renew("bbbbbbbbbbbb")));
  f.run(f.gate.clear(kVm));
  REQUIRE(f.run(f.gate.renew(kVm)));
  CHECK(f.fake->order() == before);
}

TEST_CASE("gate process: a deleted VM leaves no value behind") {
  Fixture f;
  f.give("TOKEN", "one");
  REQUIRE(f.set({kToken}));
  f.run(f.gate.forget(kVm));
  CHECK(f.secrets.values().find(kVm, "TOKEN") == nullptr);
}

TEST_CASE("gate process: the output of a command is a value too") {
  Fixture f;
  REQUIRE(f.set({{.name = "COMMAND", .hosts = {"a.org"}}}));
  CHECK(f.last().at(0).at("value") == "of the command");
}

// What QEMU reports about a guest that stands still, with a QMP server of the test in place of QEMU.
#include <fcntl.h>
#include <sys/socket.h>

#include <map>
#include <mutex>
#include <nlohmann/json.hpp>
#include <thread>

#include "base/text.h"
#include "host/unix_socket.h"
#include "machine/files.h"
#include "machine/machine_log.h"
#include "machine/qemu/qemu_machine.h"
#include "machine/support.h"

using namespace banger;
using namespace banger::machine;
using namespace banger::machine::qemu;
using namespace std::chrono_literals;

namespace {

// Serves one client: greets, answers every command, and sends the events of the test.
class FakeQmp {
 public:
  explicit FakeQmp(const std::string& directory) {
    auto listening = host::listen_unix(directory + "/" + std::string(kQmpSocket));
    REQUIRE(listening);
    listener_ = std::move(*listening);
    thread_ = std::thread([this] { serve(); });
  }
  ~FakeQmp() {
    ::shutdown(listener_.get(), SHUT_RDWR);
    {
      std::lock_guard lock(mutex_);
      if (client_) ::shutdown(client_.get(), SHUT_RDWR);
    }
    thread_.join();
  }

  void answer(const std::string& command, std::string value) {
    std::lock_guard lock(mutex_);
    answers_[command] = std::move(value);
  }
  void send(const std::string& line) {
    std::lock_guard lock(mutex_);
    put(line);
  }
  bool got(const std::string& command) {
    std::lock_guard lock(mutex_);
    return seen_.contains(command);
  }

 private:
  void serve() {
    UniqueFd client(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    if (!client) return;
    int fd = client.get();
    {
      std::lock_guard lock(mutex_);
      client_ = std::move(client);
      put(R"({"QMP": {}})");
    }
    std::string line;
    for (char c; ::read(fd, &c, 1) == 1;) {
      if (c != '\n') {
        line += c;
        continue;
      }
      auto command = parse_json(line, 1 << 16);
      line.clear();
      std::lock_guard lock(mutex_);
      auto name = command->at("execute").get<std::string>();
      seen_[name] = true;
      auto set = answers_.find(name);
      put(R"({"return": )" + (set == answers_.end() ? "{}" : set->second) + ", \"id\": " + command->at("id").dump() +
          "}");
    }
  }
  void put(const std::string& line) {
    auto text = line + "\r\n";
    (void)::send(client_.get(), text.data(), text.size(), MSG_NOSIGNAL);
  }

  UniqueFd listener_, client_;
  std::mutex mutex_;
  std::map<std::string, std::string> answers_;
  std::map<std::string, bool> seen_;
  std::thread thread_;
};

constexpr const char* kNoSpace =
    R"({"event": "BLOCK_IO_ERROR", "data": {"device": "", "node-name": "disk1", "operation": "write",)"
    R"( "action": "stop", "nospace": true, "reason": "No space left on device"}})";
constexpr const char* kStop = R"({"event": "STOP"})";
constexpr const char* kResume = R"({"event": "RESUME"})";

struct Fixture {
  Fixture() {
    auto id = host::process_id(process.child.pid());
    REQUIRE(id);
    record = {.driver = "qemu",
              .accelerator = "kvm",
              .version = "7.2",
              .process = *id,
              .token = token,
              .directory = directory.path()};
    status("running");
  }
  void status(const std::string& name) { qmp.answer("query-status", R"({"status": ")" + name + "\"}"); }
  void start() {
    auto adopted = VmmProcess::adopt(record);
    REQUIRE(adopted);
    auto state = std::make_shared<QemuState>(runtime, record, std::move(*adopted));
    REQUIRE(run(runtime, connect_control(*state)));
    machine = make_machine(std::move(state));
  }
  void adopt() {
    Logger logger(-1);
    auto driver = make_driver(runtime, logger, {}, "kvm");
    auto adopted = run(runtime, driver->adopt(record, Paused::resumes));
    REQUIRE(adopted);
    machine = std::move(*adopted);
  }
  bool run_until(std::function<bool()> condition) {
    auto wait = [](host::Runtime& on, std::function<bool()> holds) -> Task<bool> {
      auto deadline = host::after(1min);
      while (!holds() && host::Clock::now() < deadline) co_await on.sleep_for(1ms);
      co_return holds();
    };
    return run(runtime, wait(runtime, std::move(condition)));
  }
  bool is_paused() const { return !machine->paused_because().empty(); }
  // QEMU handles its messages in order, so all earlier events are handled when this command is answered.
  void handle_events() { REQUIRE(run(runtime, machine->power_button())); }

  TempDir directory;
  std::string token = to_hex(host::random_bytes(16));
  WaitingProcess process{token};
  FakeQmp qmp{directory.path()};
  host::Runtime runtime;
  MachineRecord record;
  std::unique_ptr<Machine> machine;
};

}  // namespace

TEST_CASE("qemu events: a write that finds no room pauses the guest, and resume lets the guest go on") {
  Fixture f;
  f.start();
  CHECK(!f.is_paused());
  f.status("io-error");
  f.qmp.send(kNoSpace);
  f.qmp.send(kStop);
  REQUIRE(f.run_until([&] { return f.is_paused(); }));
  CHECK(f.machine->paused_because() == "the host could not write the guest's disk: No space left on device");
  CHECK(f.machine->running());
  f.status("running");
  f.qmp.answer("cont", "{}");
  REQUIRE(run(f.runtime, f.machine->resume()));
  CHECK(f.qmp.got("cont"));
  f.qmp.send(kResume);
  REQUIRE(f.run_until([&] { return !f.is_paused(); }));
  // The disk is still full.
  f.status("io-error");
  f.qmp.send(kNoSpace);
  f.qmp.send(kStop);
  CHECK(f.run_until([&] { return f.is_paused(); }));
}

TEST_CASE("qemu events: a pause that the daemon asked for, and an error that the guest got, are no pause by the VMM") {
  Fixture f;
  f.start();
  f.status("paused");
  f.qmp.send(R"({"event": "BLOCK_IO_ERROR", "data": {"action": "report", "reason": "Input/output error"}})");
  f.qmp.send(kStop);
  f.handle_events();
  f.handle_events();  // the question for the status came between
  CHECK(f.qmp.got("query-status"));
  CHECK(!f.is_paused());
  CHECK(f.machine->running());
}

TEST_CASE("qemu events: events that are no events are ignored") {
  Fixture f;
  f.start();
  for (const char* line : {R"({"event": "BLOCK_IO_ERROR"})", R"({"event": "BLOCK_IO_ERROR", "data": 7})",
                           R"({"event": "STOPPED"})", R"({"event": "SHUTDOWN", "data": []})"})
    f.qmp.send(line);
  f.handle_events();
  CHECK(!f.is_paused());
  CHECK(f.machine->running());
}

TEST_CASE("qemu events: a QEMU that has given its guest up is ended, with the error in its log as the reason") {
  for (bool adopted : {false, true}) {
    Fixture f;
    {
      auto log = open_machine_log(f.directory.path(), f.token);
      REQUIRE(log);
      REQUIRE(host::write_all(log->get(), "KVM internal error. Suberror: 1\nemulation failure\nEAX=00000000\n"));
    }
    f.status("internal-error");
    if (adopted) {
      f.adopt();
    } else {
      f.start();
      f.qmp.send(kStop);
      REQUIRE(f.run_until([&] { return !f.machine->running(); }));
    }
    CHECK(!f.machine->running());
    auto exit = run(f.runtime, f.machine->wait_exit());
    CHECK(!exit.guest_initiated);
    CHECK(exit.reason == "KVM internal error. Suberror: 1");
  }
}

TEST_CASE("qemu events: a guest that panicked or shut down under a QEMU that goes on is ended") {
  for (auto [status, reason, initiated] :
       {std::tuple{"guest-panicked", "guest-panic", false}, {"shutdown", "guest-shutdown", true}}) {
    Fixture f;
    f.start();
    f.status(status);
    f.qmp.send(kStop);
    REQUIRE(f.run_until([&] { return !f.machine->running(); }));
    auto exit = run(f.runtime, f.machine->wait_exit());
    CHECK(exit.guest_initiated == initiated);
    CHECK(exit.reason == reason);
  }
}

TEST_CASE("qemu events: a guest that met a full disk while no daemon listened is adopted as paused") {
  Fixture f;
  f.status("io-error");
  f.qmp.answer("query-block", R"([{"io-status": "ok"}, {"io-status": "nospace"}])");
  f.adopt();
  CHECK(f.machine->paused_because() == "the host could not write the guest's disk: No space left on device");
  CHECK(!f.qmp.got("cont"));
  f.qmp.send(kResume);
  CHECK(f.run_until([&] { return !f.is_paused(); }));
}

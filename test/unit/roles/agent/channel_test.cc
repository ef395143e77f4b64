#include "roles/agent/channel.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "harness.h"
#include "host/unix_socket.h"

using namespace banger;
using namespace banger::roles::agent;

TEST_CASE("channel: finds the port by its name") {
  test::TempDir sys;
  for (auto [port, name] : {std::pair{"vport0p1", "org.qemu.other\n"}, {"vport1p3", "banger.agent\n"}}) {
    std::filesystem::create_directories(sys / port);
    REQUIRE(host::write_file(sys / port + "/name", name));
  }
  CHECK(find_port("banger.agent", sys.path(), "/dev") == "/dev/vport1p3");
  auto missing = find_port("banger.console", sys.path(), "/dev");
  REQUIRE(!missing);
  CHECK(missing.error().message == "there is no virtio-serial port named 'banger.console'");
}

TEST_CASE("channel: a guest without virtio-serial has no port") {
  CHECK(!find_port("banger.agent", "/nonexistent", "/dev"));
}

TEST_CASE("channel: another device is not a vsock") {
  CHECK(!has_vsock("/nonexistent"));
  CHECK(!has_vsock("/dev/null"));
}

namespace {

struct Hosts {
  test::Agent agent;
  std::string path = agent.run_dir / "vsock";
  int asked = 0;

  Task<std::shared_ptr<link::Client>> connect() {
    auto socket = host::connect_unix(path);
    if (!socket) co_return nullptr;
    auto client = co_await link::connect(agent.runtime, std::move(*socket), agent.context->config.link_token,
                                         host::after(std::chrono::seconds(20)));
    co_return client ? *client : nullptr;
  }
  Task<bool> answers(std::shared_ptr<link::Client> client) {
    if (!client) co_return false;
    auto health = co_await client->call("GET", "/health", "", host::after(std::chrono::seconds(20)));
    if (health) ++asked;
    co_return health.has_value();
  }
  void run(Task<> (*body)(Hosts&)) {
    auto listener = host::listen_unix(path);
    REQUIRE(listener);
    auto serve = [](ContextPtr context, UniqueFd fd) -> Task<> {
      (void)co_await serve_listener(context, std::move(fd));
    };
    auto drive = [](Hosts* self, Task<> (*what)(Hosts&)) -> Task<> {
      co_await what(*self);
      self->agent.runtime.stop();
    };
    agent.runtime.spawn(serve(agent.context, std::move(*listener)));
    agent.runtime.spawn(drive(this, body));
    agent.runtime.run();
  }
};

}  // namespace

TEST_CASE("channel: hosts connect one after the other") {
  Hosts hosts;
  hosts.run([](Hosts& h) -> Task<> {
    for (int i = 0; i < 3; ++i) {
      auto client = co_await h.connect();
      bool answered = co_await h.answers(client);
      CHECK(answered);
      if (client) client->close();
    }
  });
  CHECK(hosts.asked == 3);
}

TEST_CASE("channel: a new connection ends the one before, whose host may be gone") {
  Hosts hosts;
  hosts.run([](Hosts& h) -> Task<> {
    auto first = co_await h.connect();
    bool answered = co_await h.answers(first);
    CHECK(answered);
    auto second = co_await h.connect();
    answered = co_await h.answers(second);
    CHECK(answered);
    if (!first || !second) co_return;
    co_await first->closed();
    CHECK(!first->alive());
    CHECK(second->alive());
    second->close();
  });
}

TEST_CASE("channel: a token that one connection sets is valid for the next") {
  Hosts hosts;
  hosts.run([](Hosts& h) -> Task<> {
    auto first = co_await h.connect();
    bool answered = co_await h.answers(first);
    CHECK(answered);
    if (!first) co_return;
    h.agent.context->config.link_token = std::string(16, 'n');
    h.agent.context->set_token(h.agent.context->config.link_token);
    auto second = co_await h.connect();
    answered = co_await h.answers(second);
    CHECK(answered);
    if (second) second->close();
  });
}

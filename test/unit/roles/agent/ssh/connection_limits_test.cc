// What one client of the SSH server may take, and for how long.
#include <libssh/libssh.h>

#include <memory>

#include "catch.h"
#include "roles/agent/bounds.h"
#include "roles/agent/ssh/ssh_server.h"

using namespace banger;
using namespace banger::roles::agent;

namespace {

using Server = test::SshServer;
using std::chrono::milliseconds;

/// A client that does only what it is told to do.
class Client {
 public:
  explicit Client(const Server& server) : session_(::ssh_new()) {
    auto port = static_cast<unsigned>(std::stoul(server.port));
    bool own_settings = false;
    ::ssh_options_set(session_.get(), SSH_OPTIONS_PROCESS_CONFIG, &own_settings);
    ::ssh_options_set(session_.get(), SSH_OPTIONS_HOST, "127.0.0.1");
    ::ssh_options_set(session_.get(), SSH_OPTIONS_PORT, &port);
    REQUIRE(::ssh_connect(session_.get()) == SSH_OK);
  }
  void log_in(const Server& server) {
    ssh_key key = nullptr;
    REQUIRE(::ssh_pki_import_privkey_file((server.dir / "key").c_str(), nullptr, nullptr, nullptr, &key) == SSH_OK);
    ssh::Owned<ssh_key> owned(key);
    REQUIRE(::ssh_userauth_publickey(session_.get(), test::own_name().c_str(), key) == SSH_AUTH_SUCCESS);
  }
  /// Whether the server opens one more channel.
  bool opens() {
    auto channel = ::ssh_channel_new(session_.get());
    return ::ssh_channel_open_session(channel) == SSH_OK;
  }
  /// Whether the server listens on one more port.
  bool listens() { return ::ssh_channel_listen_forward(session_.get(), "127.0.0.1", 0, nullptr) == SSH_OK; }

 private:
  ssh::Owned<ssh_session> session_;
};

}  // namespace

TEST_CASE("ssh: a client that says nothing, and one that does not log in, have the same deadline") {
  Server server(milliseconds(300));
  UniqueFd silent(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{.sin_family = AF_INET,
                      .sin_port = htons(static_cast<std::uint16_t>(std::stoul(server.port))),
                      .sin_addr = {htonl(INADDR_LOOPBACK)}};
  REQUIRE(::connect(silent.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
  CHECK(server.ended_with("the client did not log in"));
}

TEST_CASE("ssh: a client that has exchanged keys must log in, too") {
  Server server(milliseconds(2000));
  Client client(server);
  CHECK(server.ended_with("the client did not log in"));
}

TEST_CASE("ssh: a client has so many channels and no more, and none before it has logged in") {
  Server server;
  CHECK_FALSE(Client(server).opens());
  Client client(server);
  client.log_in(server);
  for (std::size_t i = 0; i < limits::kSshChannels; ++i) REQUIRE(client.opens());
  CHECK_FALSE(client.opens());
}

TEST_CASE("ssh: a client has so many listening ports and no more, and none before it has logged in") {
  Server server;
  CHECK_FALSE(Client(server).listens());
  Client client(server);
  client.log_in(server);
  for (std::size_t i = 0; i < limits::kSshListeners; ++i) REQUIRE(client.listens());
  CHECK_FALSE(client.listens());
}

TEST_CASE("ssh: garbage and a guest without a host key end with a sentence") {
  int ends[2];
  REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
  UniqueFd ours(ends[0]);
  AgentConfig config;
  const ssh::StartSftp sftp = test::sftp_on_thread;
  auto refused = ssh::Connection(config, sftp, std::chrono::minutes(1)).serve(UniqueFd(ends[1]));
  REQUIRE_FALSE(refused);
  CHECK(refused.error().sentence() == "the guest has no host key (hint: restart the VM)");
  REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
  ours = UniqueFd(ends[0]);
  auto key = *host::make_ssh_key("host");
  config.ssh_host_key = {.private_key = key.private_key, .public_key = key.public_key};
  (void)host::write_all(ours.get(), std::string(100'000, 'x'));
  ::shutdown(ours.get(), SHUT_WR);
  auto garbage = ssh::Connection(config, sftp, std::chrono::minutes(1)).serve(UniqueFd(ends[1]));
  CHECK_FALSE(garbage);
}

// The agent's SSH server on a TCP port of this host.
#pragma once

#include <arpa/inet.h>
#include <fcntl.h>
#include <pwd.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "catch.h"
#include "host/files.h"
#include "host/ssh_key.h"
#include "roles/agent/sftp/server.h"
#include "roles/agent/ssh/connection.h"
#include "support/temp_dir.h"

namespace banger::test {

inline std::string own_name() {
  auto* entry = ::getpwuid(::geteuid());
  return entry ? entry->pw_name : "root";
}

inline UniqueFd copy_of(const UniqueFd& fd) { return UniqueFd(::fcntl(fd.get(), F_DUPFD_CLOEXEC, 3)); }

// On a thread instead of a process.
inline Result<std::optional<host::Child>> sftp_on_thread(const roles::agent::Stdio& stdio,
                                                         const roles::agent::User& user) {
  std::thread([in = copy_of(stdio.child_input), out = copy_of(stdio.child_output), home = user.home] {
    roles::agent::sftp::serve(in.get(), out.get(), home);
  }).detach();
  return std::optional<host::Child>();
}

// Serves each connection on a thread of its own.
class SshServer {
 public:
  /// `patience`: how long a client may take to log in.
  explicit SshServer(std::chrono::milliseconds patience = std::chrono::minutes(1))
      : patience_(patience), socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    ::signal(SIGPIPE, SIG_IGN);
    auto host_key = *host::make_ssh_key("host"), key = *host::make_ssh_key("owner");
    config_.ssh_host_key = {.private_key = host_key.private_key, .public_key = host_key.public_key};
    config_.keys = {{.user = own_name(), .keys = {key.public_key}}};
    config_.environment = {{"FROM_GUEST", "yes"}};
    (void)host::write_file(dir / "key", key.private_key, 0600);
    sockaddr_in address{.sin_family = AF_INET, .sin_port = 0, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    REQUIRE(::bind(socket_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
    REQUIRE(::listen(socket_.get(), 8) == 0);
    socklen_t size = sizeof address;
    ::getsockname(socket_.get(), reinterpret_cast<sockaddr*>(&address), &size);
    port = std::to_string(ntohs(address.sin_port));
    auto words = host_key.public_key.substr(0, host_key.public_key.rfind(' '));
    (void)host::write_file(dir / "known", "[127.0.0.1]:" + port + " " + words + "\n", 0600);
    acceptor_ = std::thread([this] {
      for (;;) {
        UniqueFd peer(::accept4(socket_.get(), nullptr, nullptr, SOCK_CLOEXEC));
        if (!peer) return;
        connections_.emplace_back([this, shared = std::make_shared<UniqueFd>(std::move(peer))] {
          auto served = roles::agent::ssh::Connection(config_, sftp_, patience_).serve(std::move(*shared));
          std::lock_guard lock(mutex_);
          if (!served) errors_.push_back(served.error().message);
          ended_.notify_all();
        });
      }
    });
  }
  ~SshServer() {
    ::shutdown(socket_.get(), SHUT_RDWR);
    acceptor_.join();
    for (auto& connection : connections_) connection.join();
  }

  /// Waits until a connection has ended with this error.
  bool ended_with(const std::string& error) {
    std::unique_lock lock(mutex_);
    return ended_.wait_for(lock, std::chrono::minutes(2), [&] { return std::ranges::count(errors_, error) > 0; });
  }

  std::vector<std::string> options() const {
    return {"-F", "/dev/null",
            "-i", dir / "key",
            "-o", "IdentitiesOnly=yes",
            "-o", "BatchMode=yes",
            "-o", "StrictHostKeyChecking=yes",
            "-o", "UserKnownHostsFile=" + (dir / "known"),
            "-o", "Port=" + port};
  }
  std::string target() const { return own_name() + "@127.0.0.1"; }

  test::TempDir dir;
  std::string port;

 private:
  const std::chrono::milliseconds patience_;
  std::mutex mutex_;
  std::condition_variable ended_;
  std::vector<std::string> errors_;
  roles::agent::AgentConfig config_;
  const roles::agent::ssh::StartSftp sftp_ = sftp_on_thread;
  UniqueFd socket_;
  std::thread acceptor_;
  std::vector<std::thread> connections_;
};

}  // namespace banger::test

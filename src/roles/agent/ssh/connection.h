// One connection of an SSH client: login, channels, and forwarded ports. Blocking; one thread.
#pragma once

#include <chrono>
#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <vector>

#include "base/unique_fd.h"
#include "roles/agent/run_dir.h"
#include "roles/agent/ssh/command_channel.h"
#include "roles/agent/ssh/forwarding.h"
#include "roles/agent/ssh/login.h"

namespace banger::roles::agent::ssh {

class Connection {
 public:
  /// `config` has the host key. Both must outlive the connection. `patience`: how long the client may take to log in.
  Connection(const AgentConfig& config, const StartSftp& start_sftp, std::chrono::milliseconds patience)
      : config_(config), start_sftp_(start_sftp), patience_(patience) {}

  /// Serves until the client has gone and its commands have ended. Errors come only before the login: a host key that
  /// is missing or damaged, or a client that speaks something else. A login that takes too long is `timeout`.
  Result<> serve(UniqueFd socket);

 private:
  using SteadyClock = std::chrono::steady_clock;

  static Connection& of(void* userdata) { return *static_cast<Connection*>(userdata); }
  Result<> begin(UniqueFd socket);
  int check_key(const char* name, ssh_key key, char state);
  ssh_channel open_command();
  bool answer(ssh_message message);
  bool open_forward(ssh_message message);
  bool listen_for(ssh_message message);
  bool stop_listening(ssh_message message);
  bool closed() const;
  bool full() const;
  bool late() const;
  bool work();
  void accept_all();
  void wait(bool at_once);
  void end();

  const AgentConfig& config_;
  const StartSftp& start_sftp_;
  const std::chrono::milliseconds patience_;
  SteadyClock::time_point deadline_;  ///< of the login
  ssh_server_callbacks_struct callbacks_{};
  Owned<ssh_bind> bind_;
  Owned<ssh_session> session_;
  Owned<ssh_event> event_;
  std::optional<User> user_;  ///< once logged in
  AgentSocket agent_;
  std::vector<Listener> listeners_;
  std::list<std::unique_ptr<Channel>> channels_;  ///< a list, because a callback may add one while all work
};

}  // namespace banger::roles::agent::ssh

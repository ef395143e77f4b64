// A channel that runs a command, a shell, or SFTP.
#pragma once

#include <chrono>
#include <functional>
#include <optional>

#include "host/child.h"
#include "roles/agent/exec/io.h"
#include "roles/agent/run_dir.h"
#include "roles/agent/ssh/channel.h"
#include "roles/agent/ssh/pump.h"
#include "roles/agent/users.h"

namespace banger::roles::agent::ssh {

/// Starts the server of SFTP with the command's ends of the pipes. Without a child, it ends with its output.
using StartSftp = std::function<Result<std::optional<host::Child>>(const Stdio& stdio, const User& user)>;

/// What all commands of a connection share.
struct Commands {
  const Environment& environment;  ///< of the guest
  const User& user;                ///< this process is that user
  const StartSftp& start_sftp;
  /// The path of a socket that leads to the client's authentication agent. Empty if there is none.
  std::function<std::string()> agent_socket;
};

class CommandChannel final : public Channel {
 public:
  CommandChannel(ssh_channel channel, Commands commands);
  ~CommandChannel() override;

  void watch(std::vector<pollfd>& watched) const override;
  bool work() override;
  bool over() const override;
  void hang_up() override;
  bool hurries() const override { return hung_up_.has_value(); }

 private:
  enum class Work { shell, command, sftp };
  static CommandChannel& of(void* userdata) { return *static_cast<CommandChannel*>(userdata); }
  void set_callbacks();
  int take_terminal(const char* term, int columns, int rows);
  int take_variable(const char* name, const char* value);
  int start(Work work, const std::string& line);
  Result<> start_command(const std::string& line, int& code);
  Result<> start_sftp();
  void refuse(const Error& error, int code);
  void deliver(std::string_view signal);
  bool work_inward();
  bool work_outward(UniqueFd& fd, To to);
  void look_at_child();
  void close();
  int input() const { return tty_ ? stdio_.output.get() : stdio_.input.get(); }
  bool outputs_ended() const { return !stdio_.output && !stdio_.errors; }

  ssh_channel_callbacks_struct callbacks_{};
  Commands commands_;
  Environment variables_;
  bool tty_ = false, started_ = false, exited_ = false, closed_ = false;
  std::string term_;
  std::uint16_t rows_ = 24, columns_ = 80;
  std::optional<host::Child> child_;
  pid_t group_ = 0;
  Stdio stdio_;
  Inward inward_;
  std::optional<std::chrono::steady_clock::time_point> hung_up_;
};

}  // namespace banger::roles::agent::ssh

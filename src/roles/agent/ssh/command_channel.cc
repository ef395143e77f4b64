#include "roles/agent/ssh/command_channel.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include "base/text.h"
#include "roles/agent/bounds.h"
#include "roles/agent/exec/command.h"
#include "roles/agent/exec/process_group.h"

namespace banger::roles::agent::ssh {

namespace {

struct NamedSignal {
  std::string_view name;
  int number;
};
// RFC 4254, section 6.10.
constexpr NamedSignal kSignals[] = {{"ABRT", SIGABRT}, {"ALRM", SIGALRM}, {"FPE", SIGFPE},   {"HUP", SIGHUP},
                                    {"ILL", SIGILL},   {"INT", SIGINT},   {"KILL", SIGKILL}, {"PIPE", SIGPIPE},
                                    {"QUIT", SIGQUIT}, {"SEGV", SIGSEGV}, {"TERM", SIGTERM}, {"USR1", SIGUSR1},
                                    {"USR2", SIGUSR2}};

void set_nonblocking(const UniqueFd& fd) {
  if (fd) (void)::fcntl(fd.get(), F_SETFL, ::fcntl(fd.get(), F_GETFL) | O_NONBLOCK);
}

// Reads what nobody wants any more. Returns whether there was something.
bool drop(UniqueFd& fd) {
  if (!fd) return false;
  std::array<char, limits::kSshPumpBytes> buffer;
  auto got = ::read(fd.get(), buffer.data(), buffer.size());
  if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR)) fd.reset();
  return got >= 0;
}

std::uint16_t clamp_size(int value) { return static_cast<std::uint16_t>(std::clamp(value, 0, 0xffff)); }

// A guest without a shell runs simple commands all the same.
std::vector<std::string> words_of(const std::string& line) {
  std::vector<std::string> words;
  for (auto word : split(line, ' '))
    if (!word.empty()) words.emplace_back(word);
  return words;
}

}  // namespace

CommandChannel::CommandChannel(ssh_channel channel, Commands commands)
    : Channel(channel), commands_(std::move(commands)) {
  set_callbacks();
  // Programs ask for these to see whether they are used from afar. The client's address is not known here.
  variables_["SSH_CONNECTION"] = "127.0.0.1 0 127.0.0.1 22";
  variables_["SSH_CLIENT"] = "127.0.0.1 0 22";
}

CommandChannel::~CommandChannel() { ssh_remove_channel_callbacks(channel(), &callbacks_); }

void CommandChannel::set_callbacks() {
  callbacks_.userdata = this;
  callbacks_.channel_pty_request_function = [](ssh_session, ssh_channel, const char* term, int columns, int rows, int,
                                               int, void* self) { return of(self).take_terminal(term, columns, rows); };
  callbacks_.channel_pty_window_change_function = [](ssh_session, ssh_channel, int columns, int rows, int, int,
                                                     void* self) {
    auto& me = of(self);
    if (!me.tty_ || !me.stdio_.output) return 0;
    return resize_terminal(me.stdio_.output.get(), clamp_size(rows), clamp_size(columns)) ? 0 : -1;
  };
  callbacks_.channel_env_request_function = [](ssh_session, ssh_channel, const char* name, const char* value,
                                               void* self) { return of(self).take_variable(name, value); };
  callbacks_.channel_shell_request_function = [](ssh_session, ssh_channel, void* self) {
    return of(self).start(Work::shell, "");
  };
  callbacks_.channel_exec_request_function = [](ssh_session, ssh_channel, const char* line, void* self) {
    return of(self).start(Work::command, line);
  };
  callbacks_.channel_subsystem_request_function = [](ssh_session, ssh_channel, const char* name, void* self) {
    return std::string_view(name) == "sftp" ? of(self).start(Work::sftp, "") : 1;
  };
  callbacks_.channel_signal_function = [](ssh_session, ssh_channel, const char* signal, void* self) {
    of(self).deliver(signal);
  };
  callbacks_.channel_auth_agent_req_function = [](ssh_session, ssh_channel, void* self) {
    if (auto path = of(self).commands_.agent_socket(); !path.empty()) of(self).variables_["SSH_AUTH_SOCK"] = path;
  };
  ssh_callbacks_init(&callbacks_);
  ssh_set_channel_callbacks(channel(), &callbacks_);
}

int CommandChannel::take_terminal(const char* term, int columns, int rows) {
  if (started_) return -1;
  tty_ = true;
  term_ = term;
  rows_ = clamp_size(rows);
  columns_ = clamp_size(columns);
  return 0;
}

int CommandChannel::take_variable(const char* name, const char* value) {
  if (variables_.size() >= limits::kSshVariables || !*name || std::string_view(name).find('=') != std::string::npos)
    return 1;
  variables_[name] = value;
  return 0;
}

int CommandChannel::start(Work work, const std::string& line) {
  if (started_) return 1;
  started_ = true;
  int code = 1;
  auto done = work == Work::sftp ? start_sftp() : start_command(line, code);
  stdio_.child_input.reset();
  stdio_.child_output.reset();
  stdio_.child_errors.reset();
  for (const auto* fd : {&stdio_.input, &stdio_.output, &stdio_.errors}) set_nonblocking(*fd);
  if (!done) refuse(done.error(), code);
  return 0;
}

Result<> CommandChannel::start_command(const std::string& line, int& code) {
  link::ExecSpec spec{.env = variables_, .tty = tty_, .rows = rows_, .cols = columns_, .term = term_};
  auto shell = prepare_command(spec, commands_.user, commands_.environment);
  if (shell && !line.empty()) shell->spawn.argv = {shell->spawn.argv[0], "-c", line};
  if (!shell && !line.empty()) {
    spec.argv = words_of(line);
    shell = prepare_command(spec, commands_.user, commands_.environment);
  }
  auto command = TRY(std::move(shell));
  const auto& user = commands_.user;
  stdio_ = TRY(tty_ ? make_terminal(user.uid, rows_, columns_) : make_pipes(user.uid, user.gid));
  auto& spawn = command.spawn;
  if (char name[64]; tty_ && ::ptsname_r(stdio_.output.get(), name, sizeof name) == 0)
    spawn.env.push_back(fmt::format("SSH_TTY={}", name));
  spawn.stdin_fd = stdio_.child_input.get();
  spawn.stdout_fd = tty_ ? spawn.stdin_fd : stdio_.child_output.get();
  spawn.stderr_fd = tty_ ? spawn.stdin_fd : stdio_.child_errors.get();
  spawn.controlling_tty = tty_;
  auto child = agent::start_command(command);
  if (!child) {
    code = child.error().code;
    return fail(ErrorCode::unavailable, child.error().message);
  }
  group_ = child->pid();
  child_ = std::move(*child);
  return {};
}

Result<> CommandChannel::start_sftp() {
  tty_ = false;
  stdio_ = TRY(make_pipes(commands_.user.uid, commands_.user.gid));
  child_ = TRY(commands_.start_sftp(stdio_, commands_.user));
  if (child_) group_ = child_->pid();
  return {};
}

void CommandChannel::refuse(const Error& error, int code) {
  auto text = error.sentence() + "\r\n";
  ssh_channel_write_stderr(channel(), text.data(), static_cast<std::uint32_t>(text.size()));
  ssh_channel_request_send_exit_status(channel(), code);
  stdio_ = {};
  exited_ = true;
  close();
}

void CommandChannel::deliver(std::string_view signal) {
  auto found = std::ranges::find(kSignals, signal, &NamedSignal::name);
  if (found != std::end(kSignals) && group_ > 1 && !exited_) signal_group(group_, found->number);
}

void CommandChannel::watch(std::vector<pollfd>& watched) const {
  if (child_ && !exited_) watched.push_back({child_->pidfd(), POLLIN, 0});
  if (!started_) return;
  if (!hung_up_ && !inward_.over() && inward_.wants_write()) watched.push_back({input(), POLLOUT, 0});
  if (!hung_up_ && !takes_more(channel())) return;
  for (const auto* fd : {&stdio_.output, &stdio_.errors})
    if (*fd) watched.push_back({fd->get(), POLLIN, 0});
}

bool CommandChannel::work() {
  if (!hung_up_ && ssh_channel_is_closed(channel())) hang_up();
  look_at_child();
  if (hung_up_) {
    bool more = drop(stdio_.output);
    return drop(stdio_.errors) || more;
  }
  if (!started_ || closed_) return false;
  bool moved = work_inward();
  moved = work_outward(stdio_.errors, To::errors) || moved;
  moved = work_outward(stdio_.output, To::output) || moved;
  if (!child_ && outputs_ended() && !std::exchange(exited_, true)) ssh_channel_request_send_exit_status(channel(), 0);
  if (exited_ && outputs_ended()) close();
  return moved;
}

bool CommandChannel::work_inward() {
  if (inward_.over() || input() < 0) return false;
  bool moved = inward_.work(channel(), input());
  if (!inward_.over()) return moved;
  if (tty_)
    end_terminal_input(input(), inward_.mid_line());
  else
    stdio_.input.reset();
  return true;
}

bool CommandChannel::work_outward(UniqueFd& fd, To to) {
  if (!fd) return false;
  auto moved = pump_outward(fd.get(), channel(), to);
  // A process in the background may hold the terminal, but the shell's end ends the terminal.
  bool drained = tty_ && exited_ && moved == Moved::nothing && takes_more(channel());
  if (moved == Moved::end || drained) fd.reset();
  return moved != Moved::nothing;
}

void CommandChannel::look_at_child() {
  if (!child_ || exited_) return;
  // Before the end is known, so that no later process can have the number of the group.
  if (hung_up_ && std::chrono::steady_clock::now() - *hung_up_ > limits::kExecHangup) signal_group(group_, SIGKILL);
  auto ended = child_->poll();
  if (!ended) return;
  exited_ = true;
  if (hung_up_) return;
  ssh_channel_request_send_exit_status(channel(), ended->shell_code());
}

void CommandChannel::close() {
  if (closed_) return;
  closed_ = true;
  ssh_channel_send_eof(channel());
  ssh_channel_close(channel());
}

bool CommandChannel::over() const {
  if (hung_up_) return !child_ || exited_;
  return closed_ && ssh_channel_is_closed(channel());
}

// As sshd does when its client goes away. Closing a terminal is a hangup in itself. Pipes are still read, so that
// output does not kill a command that cleans up.
void CommandChannel::hang_up() {
  if (hung_up_) return;
  hung_up_ = std::chrono::steady_clock::now();
  pid_t foreground = tty_ && stdio_.output ? ::tcgetpgrp(stdio_.output.get()) : 0;
  for (pid_t group : {group_, foreground})
    if (group > 1 && !exited_) {
      signal_group(group, SIGHUP);
      signal_group(group, SIGCONT);  // a stopped process gets the hangup only when it runs
    }
  stdio_.input.reset();
  if (tty_) stdio_.output.reset();
  close();
}

}  // namespace banger::roles::agent::ssh

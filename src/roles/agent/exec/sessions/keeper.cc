#include "roles/agent/exec/sessions/keeper.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <span>
#include <vector>

#include "host/files.h"
#include "link/bounds.h"
#include "roles/agent/bounds.h"
#include "roles/agent/exec/sessions/keeper_input.h"
#include "roles/agent/exec/sessions/keeper_signals.h"
#include "roles/agent/exec/sessions/keeper_socket.h"
#include "roles/agent/exec/sessions/launch.h"
#include "roles/agent/exec/sessions/log.h"
#include "roles/agent/exec/sessions/sessions.h"

namespace banger::roles::agent {

namespace {

using link::FrameType;
using SteadyClock = std::chrono::steady_clock;

class Keeper {
 public:
  Keeper(KeeperStart start, PassSignals pass, SessionRecord record)
      : start_(std::move(start)), pass_(pass), record_(std::move(record)), log_(start_.directory, record_.log_bytes) {}
  Result<> launch();
  void fail_with(const Error& error);
  void keep();

 private:
  enum Slot { kSignal, kEnd, kOut, kErr, kIn, kListener, kFixed };
  bool terminal() const { return record_.input == link::SessionInput::pty; }
  int input() const { return terminal() ? stdio_.output.get() : stdio_.input.get(); }
  std::vector<pollfd> watched() const;
  int timeout_ms() const;
  bool over() const;
  void read_output(UniqueFd& output, FrameType type);
  void write_input();
  void end_input_if_due();
  bool take(const link::Frame& frame);
  void accept_client();
  void serve_clients(std::span<const pollfd> polled);
  void deliver(int number);
  void pass_signals();
  void note_end();

  KeeperStart start_;
  const PassSignals pass_;
  SessionRecord record_;
  LogWriter log_;
  UniqueFd signals_, listener_;
  host::Child child_;
  Stdio stdio_;
  std::vector<KeeperClient> clients_;
  std::string queued_;        // input that waits for the command
  bool input_ended_ = false;  // a client has sent the end of the input
  bool mid_line_ = false;     // the last byte of the input was not a newline
  bool exited_ = false;
  bool quiet_ = false;  // the outputs were silent for long enough after the command's end
  SteadyClock::time_point last_output_, last_call_;
};

Result<> Keeper::launch() {
  auto spec = TRY(take_spec(start_.directory));
  auto config = TRY(RunDir(start_.run_dir).load_config());
  listener_ = TRY(listen_as_keeper(start_.directory));
  if (pass_ == PassSignals::yes) signals_ = TRY(watch_end_signals());
  auto launched = TRY(agent::launch(spec, config, start_.cgroup.get()));
  child_ = std::move(launched.child);
  stdio_ = std::move(launched.stdio);
  for (int fd : {stdio_.input.get(), stdio_.output.get(), stdio_.errors.get()})
    if (fd >= 0) (void)::fcntl(fd, F_SETFL, ::fcntl(fd, F_GETFL) | O_NONBLOCK);
  record_.main = launched.main;
  record_.pid = child_.pid();
  record_.state = SessionState::running;
  TRY(save_record(start_.directory, record_));
  start_.ready.reset();
  return {};
}

void Keeper::fail_with(const Error& error) {
  record_.state = SessionState::failed;
  record_.reason = error.sentence();
  record_.ended_ms = unix_ms_now();
  (void)host::remove_file(start_.directory + "/spec.json");
  (void)save_record(start_.directory, record_);
}

// ---------------------------------------------------------------- the command's side

void Keeper::read_output(UniqueFd& output, FrameType type) {
  char chunk[limits::kLinkFrameBytes];
  auto got = ::read(output.get(), chunk, sizeof chunk);
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (got <= 0) return output.reset();  // a terminal without processes gives EIO
  last_output_ = SteadyClock::now();
  log_.append(type, {chunk, static_cast<std::size_t>(got)}, unix_ms_now());
  for (const auto& client : clients_) notify_client(client);
}

void Keeper::write_input() {
  auto put = ::write(input(), queued_.data(), queued_.size());
  if (put < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (put < 0) {  // the command reads no more of it
    queued_.clear();
    stdio_.input.reset();
  } else if (put > 0) {
    mid_line_ = queued_[static_cast<std::size_t>(put) - 1] != '\n';
    queued_.erase(0, static_cast<std::size_t>(put));
  }
  end_input_if_due();
  for (auto& client : clients_)
    if (client.waiting) retry_client(client, [this](const auto& frame) { return take(frame); });
}

// After an end a terminal takes more input: there, an end is only a key.
void Keeper::end_input_if_due() {
  if (!input_ended_ || !queued_.empty()) return;
  if (terminal() && stdio_.output) end_terminal_input(stdio_.output.get(), mid_line_);
  stdio_.input.reset();
  input_ended_ = false;
}

void Keeper::deliver(int number) {
  if (exited_) return;
  SignalTarget target{.leader = child_.pid(), .terminal = -1, .cgroup = start_.cgroup.get()};
  if (terminal()) target.terminal = stdio_.output.get();
  signal_command(target, number);
}

// The guest is ending. As in end_commands.h: interactive shells ignore SIGTERM, and a stopped process gets a signal
// only when it runs.
void Keeper::pass_signals() {
  if (take_signals(signals_.get())) record_.reason = "the guest was shut down";
  for (int number : {SIGHUP, SIGTERM, SIGCONT}) deliver(number);
}

void Keeper::note_end() {
  auto status = child_.wait();
  exited_ = true;
  last_output_ = SteadyClock::now();
  last_call_ = last_output_ + limits::kExecLinger;
  record_.code = status.code;
  record_.signal = status.signal;
  record_.ended_ms = unix_ms_now();
}

// ---------------------------------------------------------------- the clients' side

bool Keeper::take(const link::Frame& frame) {
  auto byte = [&](std::size_t at) { return static_cast<unsigned char>(frame.payload[at]); };
  switch (frame.type) {
    case FrameType::stdin_data:
      if (input() < 0 || (input_ended_ && !terminal())) return true;
      if (input_ended_ || queued_.size() > limits::kExecStdinBytes) return false;
      queued_ += frame.payload;
      break;
    case FrameType::stdin_end:
      input_ended_ = true;
      end_input_if_due();
      break;
    case FrameType::signal:
      if (frame.payload.size() == 1) deliver(byte(0));
      break;
    case FrameType::resize:
      if (frame.payload.size() == 4 && terminal() && stdio_.output)
        (void)resize_terminal(stdio_.output.get(), static_cast<std::uint16_t>(byte(0) << 8 | byte(1)),
                              static_cast<std::uint16_t>(byte(2) << 8 | byte(3)));
      break;
    default:
      break;
  }
  return true;
}

void Keeper::accept_client() {
  UniqueFd socket(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
  if (!socket) return;
  clients_.push_back({.socket = std::move(socket)});
  // The client may have read the log before output came that no notice told it about.
  notify_client(clients_.back());
}

void Keeper::serve_clients(std::span<const pollfd> polled) {
  for (std::size_t i = 0; i < polled.size(); ++i) {
    if (!polled[i].revents) continue;
    if (clients_[i].waiting)
      clients_[i].over = true;  // it has gone; only that wakes a client that waits
    else
      read_client(clients_[i], [this](const auto& frame) { return take(frame); });
  }
  std::erase_if(clients_, [](const auto& client) { return client.over; });
}

// ---------------------------------------------------------------- the loop

std::vector<pollfd> Keeper::watched() const {
  std::vector<pollfd> fds(kFixed);
  auto want = [&](Slot slot, int fd, short events) { fds[slot] = {fd, events, 0}; };
  want(kSignal, signals_.get(), POLLIN);
  want(kEnd, exited_ ? -1 : child_.pidfd(), POLLIN);
  want(kOut, stdio_.output.get(), POLLIN);
  want(kErr, stdio_.errors.get(), POLLIN);
  want(kIn, queued_.empty() ? -1 : input(), POLLOUT);
  want(kListener, clients_.size() < limits::kKeeperClients ? listener_.get() : -1, POLLIN);
  for (const auto& client : clients_)
    fds.push_back({client.socket.get(), static_cast<short>(client.waiting ? 0 : POLLIN), 0});
  return fds;
}

int Keeper::timeout_ms() const {
  if (!exited_) return -1;
  auto until = std::min(last_call_, last_output_ + limits::kExecQuiet);
  auto left = std::chrono::ceil<std::chrono::milliseconds>(until - SteadyClock::now()).count();
  return static_cast<int>(std::max<long>(left, 0));
}

// A background process may hold the outputs of a command that has ended, as with exec (running_command.h).
bool Keeper::over() const { return exited_ && (quiet_ || (!stdio_.output && !stdio_.errors)); }

void Keeper::keep() {
  while (!over()) {
    auto polled = watched();
    if (::poll(polled.data(), polled.size(), timeout_ms()) < 0 && errno != EINTR) break;
    auto has = [&](Slot slot) { return polled[slot].revents != 0; };
    auto clients = std::span<const pollfd>(polled).subspan(kFixed);
    if (has(kOut)) read_output(stdio_.output, FrameType::stdout_data);
    if (has(kErr)) read_output(stdio_.errors, FrameType::stderr_data);
    if (has(kIn)) write_input();
    serve_clients(clients);
    if (has(kListener)) accept_client();
    if (has(kSignal)) pass_signals();
    if (has(kEnd)) note_end();
    quiet_ = exited_ && timeout_ms() == 0;
  }
  record_.state = SessionState::exited;
  (void)save_record(start_.directory, record_);
}

}  // namespace

void keep_session(KeeperStart start, PassSignals pass) {
  auto record = load_record(start.directory);
  if (!record) return;
  Keeper keeper(std::move(start), pass, std::move(*record));
  if (auto launched = keeper.launch(); !launched) return keeper.fail_with(launched.error());
  keeper.keep();
}

}  // namespace banger::roles::agent

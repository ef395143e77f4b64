#include "roles/cli/exec_client.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>

#include "base/text.h"
#include "link/bounds.h"
#include "roles/cli/bounds.h"
#include "roles/cli/command.h"
#include "roles/cli/detach_keys.h"
#include "roles/cli/session_log.h"
#include "roles/cli/terminal.h"

namespace banger::roles::cli {

namespace {

using link::FrameType;
using SteadyClock = std::chrono::steady_clock;

// After poll(2), a pipe has room for this many bytes, so the write does not block. The standard streams are shared with
// other processes, so they must stay in blocking mode.
constexpr std::size_t kPipeBytes = 4096;
constexpr const char* kLogHint = "see 'banger vm list' and 'banger vm logs'";
constexpr const char* kOldAgentHint =
    " (hint: a guest that an older banger saved takes only UTF-8 text and 64 KiB; restart the VM to update its agent)";

// Bytes that wait to be written to one descriptor.
struct Queue {
  std::string bytes;
  std::size_t at = 0;
  std::size_t size() const { return bytes.size() - at; }
  bool empty() const { return at == bytes.size(); }
  void consume(std::size_t count) {
    at += count;
    if (empty())
      bytes.clear(), at = 0;
    else if (at > limits::kExecQueueBytes)
      bytes.erase(0, at), at = 0;
  }
};

// Returns 0, or the errno of a descriptor that cannot be written any more.
int write_some(int fd, Queue& queue, std::size_t most) {
  auto count = ::write(fd, queue.bytes.data() + queue.at, std::min(queue.size(), most));
  if (count < 0) return errno == EAGAIN || errno == EINTR ? 0 : errno;
  queue.consume(static_cast<std::size_t>(count));
  return 0;
}

class ExecClient {
 public:
  ExecClient(const ExecStreams& streams, std::string spec, const ExecDeadlines& deadlines,
             std::optional<AttachOptions> attach = std::nullopt);
  Result<ExecResult> run();

 private:
  bool listening() const;
  std::optional<SteadyClock::time_point> deadline() const;
  void restart_wait();
  Result<> wait();
  Result<> read_socket();
  Result<> handle_started();
  Result<> handle_frames();
  void write_socket();
  Result<> write_output();
  void write_errors();
  Result<> read_input();
  void read_signals();
  void send_size();
  void give_up(int signal, std::string why);
  void detach();
  void send_input(std::string_view bytes);
  void end_input();
  void note_position(std::string_view payload);
  Result<> check_deadline();
  bool done() const { return result_ && (out_gone_ || (to_out_.empty() && to_err_.empty())); }

  ExecStreams io_;
  const ExecDeadlines deadlines_;
  const std::optional<AttachOptions> attach_;
  DetachKeys keys_;
  LogPlace place_{.known = false};
  link::FrameDecoder decoder_;
  Queue to_guest_, to_out_, to_err_;
  bool input_open_, guest_writable_ = true, guest_readable_ = true, out_gone_ = false;
  bool started_ = false;
  int errors_lost_ = 0;     // errno of a failed write to standard error
  int last_forwarded_ = 0;  // the last signal that was sent to the guest
  std::optional<ExecResult> result_;
  const SteadyClock::time_point start_by_ = SteadyClock::now() + deadlines_.start;
  // After SIGHUP the terminal is gone, so the command must end before hangup_by_. After another signal, the guest must
  // confirm before confirm_by_ that the signal arrived. The command may ignore the signal.
  std::optional<SteadyClock::time_point> last_signal_, hangup_by_, confirm_by_;
  pollfd polled_[6] = {};
};

enum Slot { kSocket, kIn, kOut, kErr, kSignal, kResize };

ExecClient::ExecClient(const ExecStreams& streams, std::string spec, const ExecDeadlines& deadlines,
                       std::optional<AttachOptions> attach)
    : io_(streams),
      deadlines_(deadlines),
      attach_(std::move(attach)),
      keys_(attach_ ? attach_->detach_keys : ""),
      to_guest_{std::move(spec)},
      input_open_(streams.in >= 0) {
  int flags = ::fcntl(io_.socket, F_GETFL);
  (void)::fcntl(io_.socket, F_SETFL, flags | O_NONBLOCK);
  if (!input_open_ && !attach_) link::encode_frame(FrameType::stdin_end, "", to_guest_.bytes);
  decoder_.feed(io_.first_bytes);
}

// Whether bytes of the guest are read now. They are not read while this side's output is stuck. The guest's silence
// then means nothing.
bool ExecClient::listening() const {
  return to_out_.size() + to_err_.size() < limits::kExecQueueBytes && guest_readable_ && !result_;
}

std::optional<SteadyClock::time_point> ExecClient::deadline() const {
  if (result_) return std::nullopt;
  if (!started_) return start_by_;
  if (hangup_by_) return hangup_by_;
  return listening() ? confirm_by_ : std::nullopt;
}

void ExecClient::restart_wait() {
  if (confirm_by_) confirm_by_ = SteadyClock::now() + deadlines_.signal;
}

Result<> ExecClient::wait() {
  auto want = [&](Slot slot, int fd, short events) { polled_[slot] = {events ? fd : -1, events, 0}; };
  want(kSocket, io_.socket,
       static_cast<short>((listening() ? POLLIN : 0) | (guest_writable_ && !to_guest_.empty() ? POLLOUT : 0)));
  // Input is read only once the command runs. Until then the terminal is not raw, so its user can still edit the line.
  want(kIn, io_.in, input_open_ && started_ && !result_ && to_guest_.size() < limits::kExecQueueBytes ? POLLIN : 0);
  want(kOut, io_.out, to_out_.empty() ? 0 : POLLOUT);
  want(kErr, io_.err, to_err_.empty() ? 0 : POLLOUT);
  want(kSignal, io_.signal_fd, POLLIN);
  want(kResize, io_.resize_fd, POLLIN);
  int timeout = -1;
  if (auto until = deadline()) {
    auto left = std::chrono::ceil<std::chrono::milliseconds>(*until - SteadyClock::now()).count();
    timeout = static_cast<int>(std::max<long>(left, 0));
  }
  if (::poll(polled_, std::size(polled_), timeout) < 0 && errno != EINTR) return fail_errno("poll");
  if (!listening()) restart_wait();
  return {};
}

// The guest sends `started` when the command runs, and again for every signal that arrived.
Result<> ExecClient::handle_started() {
  confirm_by_.reset();
  if (std::exchange(started_, true)) return {};
  // The session does not know the size of this terminal yet.
  if (attach_ && io_.resize_fd >= 0) send_size();
  return io_.on_started ? io_.on_started() : Result<>();
}

Result<> ExecClient::handle_frames() {
  while (!result_) {
    auto frame = TRY(in("the guest's answer", decoder_.next()));
    if (!frame) return {};
    // The guest is alive, so the wait for its confirmation starts again. The frame may be older than the signal.
    restart_wait();
    switch (frame->type) {
      case FrameType::started:
        TRY(handle_started());
        break;
      case FrameType::stdout_data:
        place_.out += frame->payload.size();
        to_out_.bytes += frame->payload;
        break;
      case FrameType::stderr_data:
        place_.err += frame->payload.size();
        to_err_.bytes += frame->payload;
        break;
      case FrameType::position:
        note_position(frame->payload);
        break;
      case FrameType::exit:
      case FrameType::failed: {
        auto end = TRY(in("the guest's answer", link::decode_exit(frame->type, frame->payload)));
        result_ = ExecResult{
            .status = end.signal ? 128 + end.signal : end.code, .message = end.message, .ending = end.ending};
        break;
      }
      default:
        return fail(ErrorCode::corrupt, "the guest sent a frame that only clients send");
    }
  }
  return {};
}

Result<> ExecClient::read_socket() {
  char chunk[limits::kExecReadBytes];
  auto count = ::read(io_.socket, chunk, sizeof chunk);
  if (count < 0 && (errno == EAGAIN || errno == EINTR)) return {};
  if (count > 0) {
    decoder_.feed({chunk, static_cast<std::size_t>(count)});
    return handle_frames();
  }
  guest_readable_ = false;
  if (!result_) return fail(ErrorCode::unavailable, "the connection to the command was lost before it ended", kLogHint);
  return {};
}

Result<> ExecClient::read_input() {
  char chunk[limits::kExecReadBytes];
  auto count = ::read(io_.in, chunk, sizeof chunk);
  if (count < 0 && (errno == EAGAIN || errno == EINTR)) return {};
  // An error is not sent as the end of input. The command would take a part of the input for all of it.
  if (count < 0) return fail_errno("read standard input");
  if (count == 0)
    end_input();
  else
    send_input({chunk, static_cast<std::size_t>(count)});
  return {};
}

void ExecClient::send_input(std::string_view bytes) {
  if (!attach_) return link::encode_frame(FrameType::stdin_data, bytes, to_guest_.bytes);
  std::string passed;
  bool leave = keys_.feed(bytes, passed);
  if (!passed.empty()) link::encode_frame(FrameType::stdin_data, passed, to_guest_.bytes);
  if (leave) detach();
}

void ExecClient::end_input() {
  input_open_ = false;
  if (!attach_) return link::encode_frame(FrameType::stdin_end, {}, to_guest_.bytes);
  if (attach_->terminal_input) detach();
}

// What was typed before the keys is still sent, as far as the socket takes it.
void ExecClient::detach() {
  if (!to_guest_.empty()) write_socket();
  result_ = ExecResult{.detached = true};
  out_gone_ = true;
}

void ExecClient::note_position(std::string_view payload) {
  auto missing = place_.missing_at(payload);
  if (missing) to_err_.bytes += fmt::format("\r\nbanger: {} bytes are no longer in the log\r\n", missing);
}

void ExecClient::send_size() {
  while (Signals::take_signal(io_.resize_fd)) {
  }
  auto size = terminal_size(io_.terminal);
  char payload[4] = {static_cast<char>(size.rows >> 8), static_cast<char>(size.rows),
                     static_cast<char>(size.columns >> 8), static_cast<char>(size.columns)};
  link::encode_frame(FrameType::resize, {payload, sizeof payload}, to_guest_.bytes);
}

void ExecClient::give_up(int signal, std::string why) {
  result_ = ExecResult{.status = 128 + signal, .message = std::move(why), .gave_up = true};
  out_gone_ = true;
}

void ExecClient::read_signals() {
  while (auto number = Signals::take_signal(io_.signal_fd)) {
    auto now = SteadyClock::now();
    // The session goes on without this client.
    if (attach_) return give_up(*number, {});
    // No command runs that could handle the signal, so the signal ends this process.
    if (!started_) return give_up(*number, "interrupted before the guest started the command");
    bool second = *number != SIGHUP && last_signal_ && now - *last_signal_ < limits::kSecondSignalWindow;
    if (second || result_) return give_up(*number, {});
    auto& until = *number == SIGHUP ? hangup_by_ : confirm_by_;
    if (!until) until = now + deadlines_.signal;
    last_signal_ = now;
    link::encode_frame(FrameType::signal, std::string(1, static_cast<char>(*number)), to_guest_.bytes);
    last_forwarded_ = *number;
  }
}

Result<> ExecClient::check_deadline() {
  auto until = deadline();
  if (!until || SteadyClock::now() < *until) return {};
  if (!started_) return fail(ErrorCode::timeout, "start the command: the guest did not answer in time", kLogHint);
  if (hangup_by_)
    give_up(SIGHUP, {});
  else
    give_up(last_forwarded_,
            fmt::format("the guest did not confirm SIG{} in time (hint: {})", sigabbrev_np(last_forwarded_), kLogHint));
  return {};
}

void ExecClient::write_socket() {
  if (write_some(io_.socket, to_guest_, SIZE_MAX) == 0) return;
  // The guest's last frames, such as the reason of its end, can still be read.
  guest_writable_ = input_open_ = false;
  to_guest_ = {};
}

Result<> ExecClient::write_output() {
  int error = write_some(io_.out, to_out_, kPipeBytes);
  if (error == 0) return {};
  if (error != EPIPE) return fail_errno("write to standard output", error);
  result_ = ExecResult{exit_status::kPipe};
  out_gone_ = true;
  return {};
}

void ExecClient::write_errors() {
  int error = write_some(io_.err, to_err_, kPipeBytes);
  if (error == 0) return;
  // The command goes on without standard error. If standard error was closed, or its reader has gone, the loss is
  // intended. After any other error, the final status must not be 0.
  io_.err = -1;
  if (error != EPIPE && error != EBADF) errors_lost_ = error;
}

Result<ExecResult> ExecClient::run() {
  TRY(handle_frames());
  while (!done()) {
    TRY(wait());
    if (polled_[kSocket].revents & POLLOUT) write_socket();
    if (polled_[kOut].revents) TRY(write_output());
    if (polled_[kErr].revents) write_errors();
    if (io_.err < 0) to_err_ = {};
    if (polled_[kSocket].revents & (POLLIN | POLLHUP | POLLERR) && listening()) TRY(read_socket());
    // Signals come after the guest's frames: after `started`, a signal belongs to the command.
    if (polled_[kSignal].revents) read_signals();
    if (polled_[kResize].revents) send_size();
    if (polled_[kIn].revents) TRY(read_input());
    TRY(check_deadline());
  }
  if (errors_lost_ && result_->status == 0) return fail_errno("write to standard error", errors_lost_);
  result_->forwarded = last_forwarded_;
  return *result_;
}

}  // namespace

Result<ExecResult> run_exec(const ExecStreams& streams, const link::ExecSpec& spec, const ExecDeadlines& deadlines) {
  std::string frames;
  auto readers = link::encode_spec(spec, frames);
  auto result = TRY(ExecClient(streams, std::move(frames), deadlines).run());
  bool refused = result.status == exit_status::kFailed && !result.message.empty();
  if (refused && readers == link::SpecReaders::newer_agents) result.message += kOldAgentHint;
  return result;
}

Result<ExecResult> run_attached(const ExecStreams& streams, const AttachOptions& options) {
  return ExecClient(streams, "", {}, options).run();
}

}  // namespace banger::roles::cli

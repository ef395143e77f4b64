#include "roles/cli/exec_client.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <nlohmann/json.hpp>

#include "base/bounds.h"
#include "base/text.h"
#include "roles/cli/command.h"
#include "roles/cli/terminal.h"

namespace banger::roles::cli {

namespace {

using link::FrameType;
using SteadyClock = std::chrono::steady_clock;

constexpr std::size_t kQueueBytes = 256 * limits::kKiB;  // per direction; beyond it the source waits
constexpr std::size_t kReadBytes = 32 * limits::kKiB;
// poll(2) promises room for this much on a pipe, so such a write never blocks; our streams are shared and must stay
// blocking.
constexpr std::size_t kPipeBytes = 4096;
constexpr auto kSecondSignal = std::chrono::seconds(2);
constexpr auto kHangupGrace = std::chrono::seconds(5);

// Bytes on their way to one descriptor.
struct Queue {
  std::string bytes;
  std::size_t at = 0;
  std::size_t size() const { return bytes.size() - at; }
  bool empty() const { return at == bytes.size(); }
  void taken(std::size_t count) {
    at += count;
    if (empty())
      bytes.clear(), at = 0;
    else if (at > kQueueBytes)
      bytes.erase(0, at), at = 0;
  }
};

// 0, or why the descriptor takes no more.
int write_some(int fd, Queue& queue, std::size_t most) {
  auto count = ::write(fd, queue.bytes.data() + queue.at, std::min(queue.size(), most));
  if (count < 0) return errno == EAGAIN || errno == EINTR ? 0 : errno;
  queue.taken(static_cast<std::size_t>(count));
  return 0;
}

class ExecClient {
 public:
  ExecClient(const ExecStreams& streams, const std::string& spec);
  Result<ExecResult> run();

 private:
  Result<> wait();
  Result<> read_socket();
  Result<> take_frames();
  void write_socket();
  Result<> write_output();
  void write_errors();
  Result<> read_input();
  void read_signals();
  void send_size();
  bool done() const { return result_ && (out_gone_ || (to_out_.empty() && to_err_.empty())); }

  ExecStreams io_;
  link::FrameDecoder decoder_;
  Queue to_guest_, to_out_, to_err_;
  bool input_open_, guest_writable_ = true, guest_readable_ = true, out_gone_ = false;
  int errors_lost_ = 0;  // errno of a failed write to standard error
  std::optional<ExecResult> result_;
  std::optional<SteadyClock::time_point> last_signal_, give_up_;
  pollfd polled_[6] = {};
};

enum Slot { kSocket, kIn, kOut, kErr, kSignal, kResize };

ExecClient::ExecClient(const ExecStreams& streams, const std::string& spec)
    : io_(streams), input_open_(streams.in >= 0) {
  int flags = ::fcntl(io_.socket, F_GETFL);
  (void)::fcntl(io_.socket, F_SETFL, flags | O_NONBLOCK);
  link::encode_frame(FrameType::spec, spec, to_guest_.bytes);
  if (!input_open_) link::encode_frame(FrameType::stdin_end, "", to_guest_.bytes);
  decoder_.feed(io_.first_bytes);
}

Result<> ExecClient::wait() {
  auto want = [&](Slot slot, int fd, short events) { polled_[slot] = {events ? fd : -1, events, 0}; };
  bool room = to_out_.size() + to_err_.size() < kQueueBytes && guest_readable_ && !result_;
  want(kSocket, io_.socket,
       static_cast<short>((room ? POLLIN : 0) | (guest_writable_ && !to_guest_.empty() ? POLLOUT : 0)));
  want(kIn, io_.in, input_open_ && !result_ && to_guest_.size() < kQueueBytes ? POLLIN : 0);
  want(kOut, io_.out, to_out_.empty() ? 0 : POLLOUT);
  want(kErr, io_.err, to_err_.empty() ? 0 : POLLOUT);
  want(kSignal, io_.signal_fd, POLLIN);
  want(kResize, io_.resize_fd, POLLIN);
  int timeout = -1;
  if (give_up_) {
    auto left = std::chrono::ceil<std::chrono::milliseconds>(*give_up_ - SteadyClock::now()).count();
    timeout = static_cast<int>(std::max<long>(left, 0));
  }
  if (::poll(polled_, std::size(polled_), timeout) < 0 && errno != EINTR) return fail_errno("poll");
  return {};
}

Result<> ExecClient::take_frames() {
  while (!result_) {
    auto frame = TRY(in("the guest's answer", decoder_.next()));
    if (!frame) return {};
    switch (frame->type) {
      case FrameType::started:
        break;
      case FrameType::stdout_data:
        to_out_.bytes += frame->payload;
        break;
      case FrameType::stderr_data:
        to_err_.bytes += frame->payload;
        break;
      case FrameType::exit:
      case FrameType::failed: {
        auto end = TRY(in("the guest's answer", link::decode_exit(frame->type, frame->payload)));
        result_ = ExecResult{end.signal ? 128 + end.signal : end.code, end.message};
        break;
      }
      default:
        return fail(ErrorCode::corrupt, "the guest sent a frame that only clients send");
    }
  }
  return {};
}

Result<> ExecClient::read_socket() {
  char chunk[kReadBytes];
  auto count = ::read(io_.socket, chunk, sizeof chunk);
  if (count < 0 && (errno == EAGAIN || errno == EINTR)) return {};
  if (count > 0) {
    decoder_.feed({chunk, static_cast<std::size_t>(count)});
    return take_frames();
  }
  guest_readable_ = false;
  if (!result_)
    return fail(ErrorCode::unavailable, "the connection to the command was lost before it ended",
                "see 'banger vm list' and 'banger vm logs'");
  return {};
}

Result<> ExecClient::read_input() {
  char chunk[kReadBytes];
  auto count = ::read(io_.in, chunk, sizeof chunk);
  if (count < 0 && (errno == EAGAIN || errno == EINTR)) return {};
  // No end of input: the command would take half of it for all.
  if (count < 0) return fail_errno("read standard input");
  input_open_ = count > 0;
  auto type = input_open_ ? FrameType::stdin_data : FrameType::stdin_end;
  link::encode_frame(type, {chunk, static_cast<std::size_t>(count)}, to_guest_.bytes);
  return {};
}

void ExecClient::send_size() {
  while (Signals::take_signal(io_.resize_fd)) {
  }
  auto size = terminal_size(io_.terminal);
  char payload[4] = {static_cast<char>(size.rows >> 8), static_cast<char>(size.rows),
                     static_cast<char>(size.columns >> 8), static_cast<char>(size.columns)};
  link::encode_frame(FrameType::resize, {payload, sizeof payload}, to_guest_.bytes);
}

void ExecClient::read_signals() {
  while (auto number = Signals::take_signal(io_.signal_fd)) {
    auto now = SteadyClock::now();
    if (*number == SIGHUP && !give_up_) give_up_ = now + kHangupGrace;
    if (*number != SIGHUP && last_signal_ && now - *last_signal_ < kSecondSignal) {
      result_ = ExecResult{128 + *number};
      out_gone_ = true;
      return;
    }
    last_signal_ = now;
    link::encode_frame(FrameType::signal, std::string(1, static_cast<char>(*number)), to_guest_.bytes);
  }
}

void ExecClient::write_socket() {
  if (write_some(io_.socket, to_guest_, SIZE_MAX) == 0) return;
  // What it still has to say, such as why it went, can be read.
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
  // Losing standard error is no reason to stop the command. One that was closed, or whose reader went, is not wanted;
  // any other loss keeps the end from looking like a success.
  io_.err = -1;
  if (error != EPIPE && error != EBADF) errors_lost_ = error;
}

Result<ExecResult> ExecClient::run() {
  TRY(take_frames());
  while (!done()) {
    TRY(wait());
    if (polled_[kSocket].revents & POLLOUT) write_socket();
    if (polled_[kOut].revents) TRY(write_output());
    if (polled_[kErr].revents) write_errors();
    if (io_.err < 0) to_err_ = {};
    if (polled_[kSignal].revents) read_signals();
    if (polled_[kResize].revents) send_size();
    if (polled_[kIn].revents) TRY(read_input());
    if (polled_[kSocket].revents & (POLLIN | POLLHUP | POLLERR) && guest_readable_ && !result_) TRY(read_socket());
    if (give_up_ && SteadyClock::now() >= *give_up_ && !result_) return ExecResult{128 + SIGHUP};
  }
  if (errors_lost_ && result_->status == 0) return fail_errno("write to standard error", errors_lost_);
  return *result_;
}

}  // namespace

Result<ExecResult> run_exec(const ExecStreams& streams, const link::ExecSpec& spec) {
  auto document = dump_json(link::to_json(spec));
  if (document.size() > limits::kLinkFrameBytes)
    return fail(ErrorCode::invalid,
                fmt::format("the command and its environment are over {} bytes", limits::kLinkFrameBytes),
                "pass a script on standard input");
  return ExecClient(streams, document).run();
}

}  // namespace banger::roles::cli

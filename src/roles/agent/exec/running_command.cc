#include "roles/agent/exec/running_command.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <asio.hpp>
#include <asio/experimental/as_tuple.hpp>

#include "link/bounds.h"
#include "roles/agent/bounds.h"
#include "roles/agent/exec/process_group.h"

namespace banger::roles::agent {

namespace {

using asio::posix::stream_descriptor;
using link::FrameType;
constexpr auto use_tuple = asio::experimental::as_tuple(asio::use_awaitable);

// One of the command's outputs.
struct Output {
  explicit Output(asio::io_context& io) : fd(io) {}
  stream_descriptor fd;
  std::ptrdiff_t owed = 0;  // unread bytes that were in the pipe when the command ended
  bool counted = false;     // `owed` is set
};

// The state that the coroutines of one command share: the reader of the client, the feeder of stdin, a pump per output,
// and the supervisor.
struct Session {
  Session(ContextPtr c, std::shared_ptr<link::ServerStream> s, host::Child process)
      : context(std::move(c)),
        runtime(context->runtime),
        stream(std::move(s)),
        child(std::move(process)),
        leader(child.pid()),
        sending(runtime),
        ended(runtime.io()),
        input(runtime.io()),
        output(runtime.io()),
        errors(runtime.io()),
        changed(runtime) {}

  bool terminal() const { return !input_is_pipe; }
  stream_descriptor& sink() { return input_is_pipe ? input : output.fd; }

  const ContextPtr context;
  host::Runtime& runtime;
  std::shared_ptr<link::ServerStream> stream;
  host::Child child;
  const pid_t leader;
  host::Mutex sending;      // frames of the two outputs must not be interleaved
  stream_descriptor ended;  // the command's pidfd
  stream_descriptor input;
  Output output, errors;
  host::Event changed;  // any of the flags below

  bool input_is_pipe = true;
  std::string queued;         // stdin bytes that wait for the command
  bool feeding = false;       // a feeder runs
  bool input_ended = false;   // the client has sent all of stdin
  bool input_closed = false;  // the command reads no more of stdin
  bool mid_line = false;      // the last stdin byte was not a newline
  int pumps = 0;              // outputs not at their end
  host::Deadline last_output = host::Clock::now();
  bool exited = false, reaped = false;
  bool gone = false;     // the client went away
  bool hung_up = false;  // and so the command must end
  bool swept = false;    // the processes left after the hangup are gone too
  bool let_go = false;   // stop waiting for outputs
  bool over = false;
  pid_t foreground = 0;  // the terminal's foreground group when the client went, if not the leader's
};
using SessionPtr = std::shared_ptr<Session>;

void close(stream_descriptor& fd) {
  std::error_code ignored;
  fd.close(ignored);
}

void cancel(stream_descriptor& fd) {
  std::error_code ignored;
  if (fd.is_open()) fd.cancel(ignored);
}

// ---------------------------------------------------------------- the client goes away

bool others_live(const Session& s) {
  return group_has_others(s.leader, s.leader) || (s.foreground > 1 && group_has_others(s.foreground, s.leader));
}

// Kills the processes that SIGHUP did not end, after a grace time. The leader is reaped only after this, so no other
// process can have the number of the leader and its group.
Task<> sweep(SessionPtr s) {
  auto deadline = host::after(limits::kExecHangup);
  while (host::Clock::now() < deadline && !(s->exited && !others_live(*s)))
    co_await s->changed.wait(std::min(deadline, host::after(limits::kExecHangupPoll)));
  if (!s->exited || others_live(*s)) {
    if (s->foreground > 1 && group_has_others(s->foreground, s->leader)) signal_group(s->foreground, SIGKILL);
    signal_group(s->leader, SIGKILL);
  }
  s->swept = true;
  s->changed.notify_all();
}

void hang_up(const SessionPtr& s) {
  if (s->gone || s->over) return;
  s->gone = true;
  s->changed.notify_all();
  // A command that has ended needs no protection by `held`.
  if (s->context->held && !s->exited) return;
  s->hung_up = true;
  if (!s->exited) {
    auto foreground = s->terminal() && s->output.fd.is_open() ? ::tcgetpgrp(s->output.fd.native_handle()) : 0;
    if (foreground != s->leader) s->foreground = foreground;
    for (pid_t group : {s->leader, s->foreground}) {
      signal_group(group, SIGHUP);
      signal_group(group, SIGCONT);  // a stopped process gets the hangup only when it runs
    }
    s->runtime.spawn(sweep(s));
  }
  // Closing a terminal is a hangup in itself. Pipes are still read, so that output does not kill a command that cleans
  // up.
  if (s->terminal()) close(s->output.fd);
  close(s->input);
  s->let_go = s->exited;
  s->changed.notify_all();
}

// ---------------------------------------------------------------- guest → client

Task<> send(SessionPtr s, FrameType type, std::string_view payload) {
  std::string frame;
  link::encode_frame(type, payload, frame);
  auto lock = co_await s->sending.lock();
  if (s->gone || s->over) co_return;
  auto sent = co_await s->stream->write(std::move(frame));
  if (!sent) hang_up(s);
}

// Reads one output to its end, or until `let_go` is set and all owed bytes are read.
Task<> pump(SessionPtr s, Output* out, FrameType type) {
  auto buffer = std::make_unique_for_overwrite<char[]>(limits::kLinkFrameBytes);
  for (;;) {
    if (s->exited && !out->counted && out->fd.is_open()) {
      // Counted here and not by the supervisor, because only the pump knows that no earlier read is still in flight.
      int waiting = 0;
      if (::ioctl(out->fd.native_handle(), FIONREAD, &waiting) == 0) out->owed = waiting;
      out->counted = true;
    }
    if (s->let_go && out->owed <= 0) break;
    auto [error, got] =
        co_await out->fd.async_read_some(asio::buffer(buffer.get(), limits::kLinkFrameBytes), use_tuple);
    if (error == asio::error::operation_aborted && out->fd.is_open()) continue;
    if (error) break;
    if (out->counted) out->owed -= static_cast<std::ptrdiff_t>(got);
    s->last_output = host::Clock::now();
    if (!s->gone) co_await send(s, type, {buffer.get(), got});
  }
  close(out->fd);
  --s->pumps;
  s->changed.notify_all();
}

// Waits for the outputs of a command that has ended, for a bounded time.
Task<> drain(SessionPtr s) {
  auto last_call = host::after(limits::kExecLinger);
  while (s->pumps > 0) {
    auto quiet_until = std::min(last_call, s->last_output + limits::kExecQuiet);
    if (!s->let_go && host::Clock::now() < quiet_until) {
      co_await s->changed.wait(quiet_until);
      continue;
    }
    s->let_go = true;
    cancel(s->output.fd);
    cancel(s->errors.fd);
    co_await s->changed.wait();
  }
}

// Handles the end of the command: reaps it, sends its remaining output, and notifies the client.
Task<> supervise(SessionPtr s) {
  co_await s->ended.async_wait(stream_descriptor::wait_read, use_tuple);
  close(s->ended);
  s->exited = true;
  s->last_output = host::Clock::now();
  while (s->hung_up && !s->swept) co_await s->changed.wait();
  auto status = s->child.wait();
  s->reaped = true;
  if (s->pumps > 0) {
    // Wakes the pumps, which count their owed bytes.
    cancel(s->output.fd);
    cancel(s->errors.fd);
    s->let_go = s->let_go || s->gone;
    co_await drain(s);
  }
  if (!s->gone) {
    bool ending = status.shell_code() != 0 && s->context->run_dir.ending();
    link::ExecExit exit{.code = status.code, .signal = status.signal, .message = "", .ending = ending};
    co_await send(s, FrameType::exit, link::encode_exit(exit));
    if (!s->gone) (void)co_await s->stream->finish();
  }
  s->over = true;
  close(s->input);
  s->changed.notify_all();
}

// ---------------------------------------------------------------- client → guest

void end_input(const SessionPtr& s) {
  s->input_closed = true;
  if (s->input_is_pipe) return close(s->input);
  if (s->output.fd.is_open()) end_terminal_input(s->output.fd.native_handle(), s->mid_line);
}

// Writes queued stdin as fast as the command reads it.
Task<> feed(SessionPtr s) {
  while (!s->over && !s->hung_up && !s->input_closed) {
    if (s->queued.empty()) {
      if (s->input_ended) break;
      co_await s->changed.wait();
      continue;
    }
    auto chunk = std::exchange(s->queued, {});
    s->changed.notify_all();
    auto [error, put] = co_await asio::async_write(s->sink(), asio::buffer(chunk), use_tuple);
    if (error) break;
    s->mid_line = chunk.back() != '\n';
  }
  if (!s->over && !s->hung_up) end_input(s);
  s->input_closed = true;
  s->queued.clear();
  s->changed.notify_all();
}

// Queues stdin, and waits while too much is queued. Later signals wait too, because the stream is in order.
Task<> take_input(SessionPtr s, std::string bytes) {
  if (s->input_closed || s->input_ended || bytes.empty()) co_return;
  s->queued += bytes;
  if (!std::exchange(s->feeding, true)) s->runtime.spawn(feed(s));
  s->changed.notify_all();
  while (s->queued.size() > limits::kExecStdinBytes && !s->input_closed && !s->over && !s->gone) {
    if (co_await s->changed.wait(host::after(limits::kExecProbe))) continue;
    // Nothing is read meanwhile, so only a write shows whether the client went away. Try an empty one.
    if (!s->over && !co_await s->stream->write({})) hang_up(s);
  }
}

void deliver_signal(const SessionPtr& s, int number) {
  if (s->reaped || number < 1 || number > SIGRTMAX) return;
  pid_t foreground = s->terminal() && s->output.fd.is_open() ? ::tcgetpgrp(s->output.fd.native_handle()) : 0;
  signal_group(foreground > 1 ? foreground : s->leader, number);
}

// Confirms to the client that its signal arrived, whatever the command does with it. It runs as its own coroutine,
// because the agent must still read from a client that reads none of its output. After the end nothing is sent.
Task<> acknowledge(SessionPtr s) {
  if (!s->exited) co_await send(s, FrameType::started, {});
}

void resize(const SessionPtr& s, std::string_view payload) {
  if (payload.size() != 4 || !s->terminal() || !s->output.fd.is_open()) return;
  auto number = [&](std::size_t at) {
    return static_cast<std::uint16_t>(static_cast<unsigned char>(payload[at]) << 8 |
                                      static_cast<unsigned char>(payload[at + 1]));
  };
  (void)resize_terminal(s->output.fd.native_handle(), number(0), number(2));
}

Task<> handle(SessionPtr s, link::Frame frame) {
  switch (frame.type) {
    case FrameType::stdin_data:
      co_await take_input(s, std::move(frame.payload));
      break;
    case FrameType::stdin_end:
      s->input_ended = true;
      if (!s->feeding && !s->input_closed) end_input(s);
      s->changed.notify_all();
      break;
    case FrameType::signal:
      if (frame.payload.size() == 1) deliver_signal(s, static_cast<unsigned char>(frame.payload[0]));
      s->runtime.spawn(acknowledge(s));
      break;
    case FrameType::resize:
      resize(s, frame.payload);
      break;
    default:
      hang_up(s);
      break;  // a frame that only the guest sends, or a second spec: the peer is not a client of banger
  }
}

// Runs until the client ends its side, breaks the connection, or violates the protocol, or until the command's end was
// sent.
Task<> listen(SessionPtr s, link::FrameDecoder decoder) {
  while (!s->over && !s->gone) {
    auto frame = decoder.next();
    if (!frame) break;
    if (*frame) {
      co_await handle(s, std::move(**frame));
      continue;
    }
    auto bytes = co_await s->stream->read();
    if (!bytes || bytes->empty()) break;
    decoder.feed(*bytes);
  }
  hang_up(s);
}

Result<> adopt(stream_descriptor& descriptor, UniqueFd fd) {
  std::error_code error;
  if (fd) descriptor.assign(fd.get(), error);
  if (error) return fail_errno("watch a descriptor", error.value());
  fd.release();
  return {};
}

Result<> attach(Session& session, Stdio stdio) {
  session.input_is_pipe = bool(stdio.input);
  TRY(adopt(session.input, std::move(stdio.input)));
  TRY(adopt(session.output.fd, std::move(stdio.output)));
  TRY(adopt(session.errors.fd, std::move(stdio.errors)));
  UniqueFd pidfd(::fcntl(session.child.pidfd(), F_DUPFD_CLOEXEC, 3));
  if (!pidfd) return fail_errno("watch the command");
  return adopt(session.ended, std::move(pidfd));
}

}  // namespace

Task<> run_session(ContextPtr context, std::shared_ptr<link::ServerStream> stream, host::Child child, Stdio stdio,
                   link::FrameDecoder decoder) {
  auto s = std::make_shared<Session>(context, std::move(stream), std::move(child));
  if (auto attached = attach(*s, std::move(stdio)); !attached) {
    // Destroying `s` kills and reaps the command.
    co_await send(s, FrameType::failed, link::encode_exit({.code = 125, .message = attached.error().sentence()}));
    (void)co_await s->stream->finish();
    co_return;
  }
  s->pumps = s->terminal() ? 1 : 2;
  co_await send(s, FrameType::started, {});
  auto& runtime = context->runtime;
  runtime.spawn(supervise(s));
  runtime.spawn(pump(s, &s->output, FrameType::stdout_data));
  if (!s->terminal()) runtime.spawn(pump(s, &s->errors, FrameType::stderr_data));
  runtime.spawn(listen(s, std::move(decoder)));
  while (!s->over) co_await s->changed.wait();
  // This is the last handle. The listener's read ends with it, whether or not the client ends its side.
  s->stream.reset();
}

}  // namespace banger::roles::agent

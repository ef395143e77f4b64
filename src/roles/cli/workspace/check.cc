#include "roles/cli/workspace/check.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <nlohmann/json.hpp>
#include <thread>

#include "base/text.h"
#include "roles/cli/bounds.h"
#include "roles/cli/exec_client.h"

namespace banger::roles::cli {

namespace {

// Reads a pipe to its end and keeps the end of the bytes.
std::string read_tail(int pipe) {
  std::string tail;
  char chunk[limits::kExecReadBytes];
  for (;;) {
    auto count = ::read(pipe, chunk, sizeof chunk);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return tail;
    tail.append(chunk, static_cast<std::size_t>(count));
    if (tail.size() > limits::kCheckTailBytes) tail.erase(0, tail.size() - limits::kCheckTailBytes);
  }
}

std::string last_line(std::string_view text) {
  text = trim(text);
  return safe_text(trim(text.substr(text.rfind('\n') + 1)));
}

Result<CheckResult> run_check(const client::Stream& stream, const link::ExecSpec& spec) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) < 0) return fail_errno("pipe");
  UniqueFd reader(ends[0]), writer(ends[1]);
  std::string tail;
  Result<ExecResult> result;
  {
    std::jthread reading([&] { tail = read_tail(reader.get()); });
    ExecStreams streams{.socket = stream.socket.get(), .first_bytes = stream.first_bytes};
    streams.out = streams.err = writer.get();
    result = run_exec(streams, spec);
    writer.reset();  // ends the reader
  }
  if (!result) return std::unexpected(std::move(result.error()));
  return CheckResult{.status = result->status,
                     .last_line = last_line(result->message.empty() ? tail : result->message)};
}

// One connection for each guest.
Result<client::Stream> open_check(Io& io, const Signals& signals, const std::string& vm) {
  auto connected = TRY(connect_or_start(io));
  return client::Connection(std::move(connected.socket))
      .open_stream("vm.exec", {{"vm", vm}}, {.progress = {}, .interrupt_fd = signals.fd()});
}

Result<> wait_for_all(const Signals& signals, int done, const std::vector<Result<client::Stream>>& streams) {
  bool interrupted = false;
  for (;;) {
    pollfd waiting[2] = {{done, POLLIN, 0}, {interrupted ? -1 : signals.fd(), POLLIN, 0}};
    if (::poll(waiting, 2, -1) < 0 && errno != EINTR) interrupted = true;
    if (waiting[1].revents) interrupted = true;
    if (interrupted)
      for (const auto& stream : streams)
        if (stream) ::shutdown(stream->socket.get(), SHUT_RDWR);
    if (waiting[0].revents) return interrupted ? fail(ErrorCode::cancelled, "interrupted") : Result<>();
  }
}

}  // namespace

Result<std::vector<Result<CheckResult>>> run_checks(Io& io, const std::vector<GuestPlace>& places,
                                                    const std::vector<std::string>& words) {
  std::vector<Result<CheckResult>> results(places.size());
  if (places.empty()) return results;
  auto daemon = TRY(Daemon::connect(io));
  UniqueFd done(::eventfd(0, EFD_CLOEXEC));
  if (!done) return fail_errno("eventfd");
  std::vector<Result<client::Stream>> streams;
  for (const auto& place : places) streams.push_back(open_check(io, daemon.signals(), place.vm));
  std::atomic<std::size_t> left = places.size();
  auto run = [&](std::size_t at) {
    link::ExecSpec spec{.argv = words};
    spec.cwd = places[at].path;
    spec.user = "root";
    if (auto checked = link::check_spec(spec); !checked)
      results[at] = std::unexpected(std::move(checked.error()));
    else if (!streams[at])
      results[at] = std::unexpected(std::move(streams[at].error()));
    else
      results[at] = run_check(*streams[at], spec);
    if (--left == 0) ::eventfd_write(done.get(), 1);
  };
  std::vector<std::jthread> threads;
  for (std::size_t at = 0; at < places.size(); ++at) threads.emplace_back(run, at);
  TRY(wait_for_all(daemon.signals(), done.get(), streams));
  return results;
}

}  // namespace banger::roles::cli

#include "roles/cli/bench_rounds.h"

#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cmath>
#include <nlohmann/json.hpp>

#include "api/objects/template.h"
#include "api/objects/vm.h"
#include "host/files.h"
#include "link/exec_spec.h"
#include "roles/cli/bounds.h"

namespace banger::roles::cli {

namespace {

using Clock = std::chrono::steady_clock;
using Milliseconds = std::chrono::duration<double, std::milli>;

double ms_since(Clock::time_point start) { return Milliseconds(Clock::now() - start).count(); }

// Reads the frames of an exec stream, one after the other.
class Frames {
 public:
  Frames(const rpc::Client::RawStream& stream, int interrupt_fd) : socket_(stream.socket.get()), stop_(interrupt_fd) {
    decoder_.feed(stream.first_bytes);
  }
  Result<link::Frame> next() {
    for (;;) {
      if (auto frame = TRY(decoder_.next())) return std::move(*frame);
      pollfd waiting[2] = {{socket_, POLLIN, 0}, {stop_, POLLIN, 0}};
      if (::poll(waiting, 2, -1) < 0 && errno != EINTR) return fail_errno("wait for the command's output");
      if (waiting[1].revents) return fail(ErrorCode::cancelled, "interrupted");
      if (!waiting[0].revents) continue;
      char chunk[4096];
      auto count = ::read(socket_, chunk, sizeof chunk);
      if (count <= 0) return fail(ErrorCode::unavailable, "the connection to the guest broke");
      decoder_.feed({chunk, static_cast<std::size_t>(count)});
    }
  }

 private:
  int socket_, stop_;
  link::FrameDecoder decoder_;
};

// Runs `echo` to its end. Returns the milliseconds from `start` to the first byte of output.
Result<double> echo(const rpc::Client::RawStream& stream, int interrupt_fd, Clock::time_point start) {
  std::string bytes;
  (void)link::encode_spec({.argv = {"echo", "hi"}}, bytes);
  link::encode_frame(link::FrameType::stdin_end, "", bytes);
  TRY(host::write_all(stream.socket.get(), bytes));
  double output_ms = 0;
  for (Frames frames(stream, interrupt_fd);;) {
    auto frame = TRY(frames.next());
    if (frame.type == link::FrameType::stdout_data && output_ms == 0) output_ms = ms_since(start);
    if (frame.type == link::FrameType::failed)
      return fail(ErrorCode::unsupported, "the image has no 'echo' command, which the benchmark runs",
                  "choose another image with --image");
    if (frame.type == link::FrameType::exit) break;
  }
  if (output_ms == 0) return fail(ErrorCode::internal, "'echo' ended without output");
  return output_ms;
}

}  // namespace

Percentiles percentiles(std::vector<double> values) {
  std::ranges::sort(values);
  auto at = [&](double share) {
    auto rank = static_cast<std::size_t>(std::ceil(share * static_cast<double>(values.size())));
    return values[std::max<std::size_t>(rank, 1) - 1];
  };
  return {.p50 = at(0.5), .p90 = at(0.9), .p99 = at(0.99)};
}

// Each round has a connection of its own. If the round ends early, closing the connection cancels vm.create.
Result<Round> BenchRounds::use(const std::string& name, Start start_by, const rpc::OnProgress& progress) {
  int interrupt = daemon_.signals().fd();
  rpc::Client client(TRY(connect_or_start(io_)).socket);
  Json params = shape_;
  params.update({{"name", name},
                 {"labels", {{"made-by", "banger-bench"}}},
                 {"start", true},
                 {"wait", "agent"},
                 {"ephemeral", true}});
  if (start_by == Start::boot) params["cold"] = true;
  auto start = Clock::now();
  auto vm = TRY(api::read<api::VmObject>(TRY(client.call("vm.create", params, progress, interrupt))));
  Round round{.started_from = vm.started_from, .created_ms = ms_since(start)};
  auto stream = TRY(std::move(client).open_stream("vm.exec", {{"vm", name}}, {}, interrupt));
  round.output_ms = TRY(echo(stream, interrupt, start));
  TRY(remove(name));
  round.total_ms = ms_since(start);
  return round;
}

Result<> BenchRounds::remove(const std::string& name) {
  auto gone = daemon_.call_within("vm.delete", {{"vm", name}, {"force", true}}, limits::kDeleteDeadline);
  if (gone || gone.error().code == ErrorCode::not_found) return {};
  return std::unexpected(
      std::move(gone).error().in(fmt::format("delete vm '{}'", name)).with_hint("banger vm delete --force " + name));
}

Result<> BenchRounds::wait_for_pool() {
  for (auto end = Clock::now() + limits::kPoolDeadline; Clock::now() < end;) {
    auto list = TRY(daemon_.get_within<api::TemplateList>("template.list", limits::kStatusDeadline));
    if (std::ranges::any_of(list.pool, [](const auto& vm) { return vm.state == "ready"; })) return {};
    if (TRY(daemon_.signals().wait_for(limits::kBenchPoolPoll))) return fail(ErrorCode::cancelled, "interrupted");
  }
  return {};
}

Result<Round> BenchRounds::run(Start start_by, const rpc::OnProgress& progress) {
  auto name = fmt::format("bench-{}-{}", ::getpid(), ++made_);
  auto round = use(name, start_by, progress);
  if (round) return round;
  if (auto gone = remove(name); !gone) io_.note(safe_text(gone.error().sentence()));
  return round;
}

}  // namespace banger::roles::cli

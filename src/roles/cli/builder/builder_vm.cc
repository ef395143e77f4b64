#include "roles/cli/builder/builder_vm.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <nlohmann/json.hpp>
#include <thread>

#include "api/objects/image.h"
#include "api/objects/vm.h"
#include "base/text.h"
#include "host/files.h"
#include "roles/cli/build_image.h"
#include "roles/cli/builder/bounds.h"
#include "roles/cli/builder/limited_copy.h"
#include "roles/cli/embedded_files.h"
#include "roles/cli/exec_client.h"

namespace banger::roles::cli {

namespace {

constexpr std::chrono::milliseconds kNoWait{0};
constexpr std::string_view kScript = find_embedded(kEmbeddedFiles, "guest/image-builder.sh")->text;

/// Nothing when the VM is missing.
Result<std::optional<api::VmObject>> find_vm(Daemon& daemon) {
  auto vm = daemon.get<api::VmObject>("vm.show", {{"vm", kBuilderVm}});
  if (vm) return std::move(*vm);
  if (vm.error().code == ErrorCode::not_found) return std::nullopt;
  return std::unexpected(std::move(vm.error()));
}

bool runs(const std::optional<api::VmObject>& vm) { return vm && vm->state == vm::State::running && vm->agent_ready; }

Result<> make_or_start(Io& io, Daemon& daemon, const std::optional<api::VmObject>& vm) {
  if (vm) {
    TRY(daemon.call("vm.start", {{"vm", vm->id}}));
    return {};
  }
  if (auto image = daemon.get<api::ImageObject>("image.show", {{"image", kBuilderImage}}); !image) {
    if (image.error().code != ErrorCode::not_found) return std::unexpected(std::move(image.error()));
    io.note(fmt::format("the image '{}' is built first, which is required once", kBuilderImage));
    TRY(build_recipe(io, daemon, std::string(kBuilderImage)));
  }
  // A clone of a template would need a template of its own, for one VM.
  TRY(daemon.call(
      "vm.create",
      {{"name", kBuilderVm}, {"image", kBuilderImage}, {"disk_bytes", limits::kBuilderDiskBytes}, {"cold", true}}));
  return {};
}

/// Waits for the lock, until an interrupt.
Result<> lock(int fd, int how, const Signals& signals) {
  while (::flock(fd, how | LOCK_NB) < 0) {
    if (errno != EWOULDBLOCK && errno != EINTR) return fail_errno("lock the builder");
    if (TRY(signals.wait_for(limits::kBuilderLockPoll))) return fail(ErrorCode::cancelled, "interrupted");
  }
  return {};
}

Error ended(std::string_view command, int status) {
  return {ErrorCode::unavailable, fmt::format("the builder's '{}' failed with status {}", command, status), 0,
          fmt::format("'banger vm logs {}' may show why; without the VM '{}', the next build makes a new one",
                      kBuilderVm, kBuilderVm)};
}

}  // namespace

Result<BuilderVm> BuilderVm::open(Io& io, Daemon& daemon) {
  auto paths = TRY(host::find_paths(io.env));
  UniqueFd file(::open((paths.run() + "/image-builder.lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!file) return fail_errno("open the builder's lock");
  for (;;) {
    TRY(lock(file.get(), LOCK_SH, daemon.signals()));
    auto vm = TRY(find_vm(daemon));
    // Nobody stops the VM while this process holds the lock.
    if (runs(vm)) return BuilderVm(io, vm->id, std::move(file));
    // flock(2) gives the shared lock away for the exclusive one, so the VM is looked at again.
    TRY(lock(file.get(), LOCK_EX, daemon.signals()));
    vm = TRY(find_vm(daemon));
    if (!runs(vm)) TRY(in("start the builder", make_or_start(io, daemon, vm)));
  }
}

Result<int> BuilderVm::run(std::string_view command, std::vector<std::string> arguments, Streams streams) {
  auto daemon = TRY(Daemon::connect(*io_));
  auto stream = TRY(daemon.open_stream("vm.exec", {{"vm", vm_}}));
  if (build_.empty()) build_ = host::random_id();
  link::ExecSpec spec{.argv = {"/bin/sh", "-c", std::string(kScript), "sh", std::string(command), build_}};
  spec.argv.insert(spec.argv.end(), arguments.begin(), arguments.end());
  TRY(link::check_spec(spec));
  UniqueFd nowhere(::open("/dev/null", O_WRONLY | O_CLOEXEC));
  ExecStreams ends{.socket = stream.socket.get(), .first_bytes = std::move(stream.first_bytes), .in = streams.in};
  ends.out = streams.out < 0 ? nowhere.get() : streams.out;
  ends.err = streams.err < 0 ? nowhere.get() : streams.err;
  ends.signal_fd = daemon.signals().fd();
  auto result = TRY(in("the builder", run_exec(ends, spec)));
  if (!result.message.empty() && !result.gave_up)
    return fail(ErrorCode::unavailable, fmt::format("the builder: {}", safe_text(result.message)));
  // A command may end well in spite of a signal. This connection drops a signal that comes after its command.
  if (result.gave_up || result.forwarded || TRY(daemon.signals().wait_for(kNoWait)))
    return fail(ErrorCode::cancelled, "interrupted");
  return result.status;
}

Result<int> BuilderVm::run_with_input(std::string_view command, const WriteInput& write, Streams streams,
                                      std::vector<std::string> arguments) {
  auto pipe = TRY(BytePipe::make());
  image::StopFlag stop = false;
  Result<> written;
  std::jthread writing([&, end = std::move(pipe.writer)]() mutable {
    written = write(end.get(), stop);
    end.reset();
  });
  streams.in = pipe.reader.get();
  auto status = run(command, std::move(arguments), streams);
  stop = true;
  pipe.reader.reset();  // ends a writer whose reader has gone
  writing.join();
  // A command that ended early is the cause of a broken pipe.
  if (!status || (!written && written.error().sys_errno == EPIPE)) return status;
  TRY(std::move(written));
  return status;
}

Result<std::set<std::string>> BuilderVm::begin() {
  auto pipe = TRY(BytePipe::make());
  std::string text;
  Result<> read;
  std::jthread reading([&, end = std::move(pipe.reader)] {
    auto all = host::read_all(end.get(), "the builder's images", limits::kBuilderListBytes);
    if (all) text = std::move(*all);
  });
  auto status = run("begin", {}, {.out = pipe.writer.get(), .err = io_->err});
  pipe.writer.reset();
  reading.join();
  if (TRY(std::move(status)) != 0) return std::unexpected(ended("begin", *status));
  std::set<std::string> ids;
  for (auto line : split(text, '\n'))
    if (line.starts_with("sha256:")) ids.emplace(line.substr(line.find(':') + 1));
  return ids;
}

bool BuilderVm::end() {
  auto daemon = Daemon::connect(*io_);
  if (!daemon) return false;
  auto ended = run("end", {}, {});
  // The last build stops the VM. Others hold the lock too.
  if (::flock(lock_.get(), LOCK_EX | LOCK_NB) == 0)
    (void)daemon->call_within("vm.stop", {{"vm", vm_}}, limits::kBuilderStopDeadline);
  lock_.reset();
  bool during_command = !ended && ended.error().code == ErrorCode::cancelled;
  return during_command || daemon->signals().wait_for(kNoWait).value_or(false);
}

}  // namespace banger::roles::cli

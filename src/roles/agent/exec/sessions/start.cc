#include "roles/agent/exec/sessions/start.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/text.h"
#include "roles/agent/bounds.h"
#include "roles/agent/exec/detached.h"

namespace banger::roles::agent {

namespace {

struct Pipe {
  UniqueFd read_end, write_end;
};

Result<Pipe> make_pipe() {
  int fds[2];
  if (::pipe2(fds, O_CLOEXEC) < 0) return fail_errno("make a pipe");
  return Pipe{.read_end = UniqueFd(fds[0]), .write_end = UniqueFd(fds[1])};
}

UniqueFd copy_of(int fd) { return UniqueFd(fd < 0 ? -1 : ::fcntl(fd, F_DUPFD_CLOEXEC, 3)); }

// The image's main command gets the image's stop signal when the guest ends.
Task<> watch_main(ContextPtr context, pid_t pid) {
  UniqueFd process(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  if (!process) co_return;
  int number = process.get();
  MainCommands::Entry entry(context->main_commands, copy_of(number));
  (void)co_await host::wait_readable(context->runtime, number);
}

Error why_not(const SessionRecord& record) {
  auto reason = record.reason.empty() ? std::string("its keeper has ended") : record.reason;
  return Error{ErrorCode::invalid, fmt::format("start session '{}': {}", record.name, reason), 0, {}};
}

Task<Result<>> run_keeper_of(ContextPtr context, Sessions::New made) {
  auto pipe = CO_TRY(make_pipe());
  KeeperStart start{.directory = context->sessions.directory_of(made.record.id),
                    .run_dir = context->run_dir.path(),
                    .lock = std::move(made.lock),
                    .cgroup = copy_of(context->command_groups.next()),
                    .ready = std::move(pipe.write_end)};
  auto child = CO_TRY(context->options.start_keeper(std::move(start)));
  if (child) context->runtime.spawn(wait_for_end(context, std::move(*child), false));
  bool ready = CO_TRY(
      co_await host::wait_readable(context->runtime, pipe.read_end.get(), host::after(limits::kSessionStartDeadline)));
  if (!ready) co_return fail(ErrorCode::timeout, "the keeper of the session did not start it in time");
  co_return Result<>();
}

}  // namespace

Task<Result<SessionRecord>> launch_session(ContextPtr context, link::SessionSpec spec) {
  auto turn = co_await context->starting_session.lock();
  auto sessions = context->sessions;
  auto made = CO_TRY(co_await context->runtime.blocking([=] { return sessions.add(spec); }));
  auto record = made.record;
  if (auto started = co_await run_keeper_of(context, std::move(made)); !started) {
    record.state = SessionState::failed;
    record.reason = started.error().sentence();
    record.ended_ms = unix_ms_now();
    (void)save_record(sessions.directory_of(record.id), record);
    co_return std::unexpected(why_not(record));
  }
  record = CO_TRY(load_record(sessions.directory_of(record.id)));
  if (record.state == SessionState::failed || record.state == SessionState::starting)
    co_return std::unexpected(why_not(record));
  if (record.main) context->runtime.spawn(watch_main(context, static_cast<pid_t>(record.pid)));
  co_return record;
}

}  // namespace banger::roles::agent

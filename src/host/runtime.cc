#include "host/runtime.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <unistd.h>

#include <asio.hpp>
#include <asio/experimental/as_tuple.hpp>
#include <list>

#include "base/text.h"
#include "host/bounds.h"

namespace banger::host {

namespace {

constexpr auto use_tuple = asio::experimental::as_tuple(asio::use_awaitable);

[[noreturn]] void escaped(std::exception_ptr error) {
  const char* what = "unknown exception";
  try {
    std::rethrow_exception(error);
  } catch (const std::exception& e) {
    what = e.what();
  } catch (...) {
  }
  fmt::print(stderr, "banger: bug: an exception escaped a coroutine: {}\n", what);
  std::abort();
}

}  // namespace

struct Runtime::Impl {
  explicit Impl(std::size_t threads) : pool(threads) {}
  asio::io_context io{1};
  asio::thread_pool pool;
};

Runtime::Runtime(std::size_t pool_threads) : impl_(std::make_unique<Impl>(pool_threads)) {}
Runtime::~Runtime() { impl_->pool.join(); }

asio::io_context& Runtime::io() { return impl_->io; }
void Runtime::run() { impl_->io.run(); }
void Runtime::stop() { impl_->io.stop(); }

void Runtime::spawn(Task<> task) {
  asio::co_spawn(impl_->io, std::move(task), [](std::exception_ptr error) {
    if (error) escaped(error);
  });
}

Task<> Runtime::sleep_for(std::chrono::milliseconds duration) {
  asio::steady_timer timer(impl_->io, duration);
  co_await timer.async_wait(use_tuple);
}

Task<> Runtime::run_on_pool(std::function<void()> work) {
  asio::steady_timer done(impl_->io, asio::steady_timer::time_point::max());
  bool finished = false;
  // The work guard keeps run() alive while only the pool is busy.
  auto guard = asio::make_work_guard(impl_->io);
  asio::post(impl_->pool, [&] {
    work();
    asio::post(impl_->io, [&] {
      finished = true;
      done.cancel();
    });
  });
  while (!finished) co_await done.async_wait(use_tuple);
}

struct Event::Impl {
  explicit Impl(asio::io_context& context) : io(context) {}
  asio::io_context& io;
  std::list<asio::steady_timer*> waiting;
};

Event::Event(Runtime& runtime) : impl_(std::make_shared<Impl>(runtime.io())) {}
Event::~Event() {
  if (impl_) notify_all();
}
Event::Event(Event&&) noexcept = default;

void Event::notify_all() {
  // Each waiter removes itself. The expiry of its timer distinguishes a wake-up from a deadline.
  for (auto* timer : impl_->waiting) timer->expires_at(asio::steady_timer::time_point::min());
  impl_->waiting.clear();
}

Task<bool> Event::wait(Deadline deadline) {
  auto impl = impl_;
  asio::steady_timer timer(impl->io, deadline);
  // Removes itself even when the frame is destroyed during the wait, as by a stopped Runtime.
  struct Listed {
    Listed(Impl& event, asio::steady_timer& t) : impl(event), timer(t) { impl.waiting.push_back(&timer); }
    ~Listed() { impl.waiting.remove(&timer); }
    Impl& impl;
    asio::steady_timer& timer;
  } listed(*impl, timer);
  co_await timer.async_wait(use_tuple);
  co_return timer.expiry() == asio::steady_timer::time_point::min();
}

Task<Mutex::Lock> Mutex::lock() {
  auto ticket = next_ticket_++;
  while (serving_ != ticket) co_await event_.wait();
  co_return Lock(this);
}

void Mutex::unlock() {
  ++serving_;
  event_.notify_all();
}

Task<Result<bool>> wait_readable(Runtime& runtime, int fd, Deadline deadline) {
  int copy = ::fcntl(fd, F_DUPFD_CLOEXEC, 3);
  if (copy < 0) co_return fail_errno("dup");
  asio::posix::stream_descriptor descriptor(runtime.io(), copy);
  asio::steady_timer timer(runtime.io(), deadline);
  bool expired = false;
  timer.async_wait([&](std::error_code error) {
    if (error) return;
    expired = true;
    descriptor.cancel();
  });
  auto [error] = co_await descriptor.async_wait(asio::posix::stream_descriptor::wait_read, use_tuple);
  timer.cancel();
  // The timer's handler refers to this frame, so the handler must run before the frame ends.
  co_await asio::post(runtime.io(), asio::use_awaitable);
  if (expired && error) co_return false;
  if (error) co_return fail_errno("wait", error.value());
  co_return true;
}

namespace {

struct Pipe {
  UniqueFd read, write;
};

Result<Pipe> make_pipe() {
  int fds[2];
  if (::pipe2(fds, O_CLOEXEC) < 0) return fail_errno("pipe");
  return Pipe{UniqueFd(fds[0]), UniqueFd(fds[1])};
}

enum class Keep { first, last };

Task<> collect(asio::posix::stream_descriptor& from, std::string& into, std::size_t max_bytes, Keep keep) {
  char buffer[16384];
  for (;;) {
    auto [error, got] = co_await from.async_read_some(asio::buffer(buffer), use_tuple);
    if (error) co_return;
    if (keep == Keep::first) got = std::min(got, max_bytes - std::min(max_bytes, into.size()));
    into.append(buffer, got);
    if (into.size() > max_bytes) into.erase(0, into.size() - max_bytes);
  }
}

}  // namespace

Task<Result<Output>> run_command(Runtime& runtime, SpawnSpec spec, Deadline deadline, std::size_t max_output_bytes) {
  auto out_pipe = CO_TRY(make_pipe());
  auto err_pipe = CO_TRY(make_pipe());
  spec.stdout_fd = out_pipe.write.get();
  spec.stderr_fd = err_pipe.write.get();
  spec.new_session = true;  // a process group of its own, so that all of it can be killed
  auto child = CO_TRY(spawn(spec));
  out_pipe.write.reset();
  err_pipe.write.reset();

  struct Shared {
    Shared(Runtime& r, UniqueFd o, UniqueFd e) : out_fd(r.io(), o.release()), err_fd(r.io(), e.release()), done(r) {}
    asio::posix::stream_descriptor out_fd, err_fd;
    Output output;
    int open = 2;
    Event done;
  };
  auto shared = std::make_shared<Shared>(runtime, std::move(out_pipe.read), std::move(err_pipe.read));
  auto reader = [](std::shared_ptr<Shared> s, bool out, std::size_t max_bytes) -> Task<> {
    co_await collect(out ? s->out_fd : s->err_fd, out ? s->output.out : s->output.err, max_bytes,
                     out ? Keep::first : Keep::last);
    if (--s->open == 0) s->done.notify_all();
  };
  runtime.spawn(reader(shared, true, max_output_bytes));
  runtime.spawn(reader(shared, false, std::min(max_output_bytes, limits::kCommandErrorBytes)));

  bool ended = CO_TRY(co_await wait_readable(runtime, child.pidfd(), deadline));
  // The leader is not reaped yet, so the number still belongs to its group.
  if (!ended) (void)::kill(-child.pid(), SIGKILL);
  shared->output.status = child.wait();
  // Grandchildren may hold the pipes open. Wait a moment for the last output, then close the pipes.
  if (shared->open > 0)
    co_await shared->done.wait(after(ended ? limits::kCommandDrainDeadline : limits::kKilledDrainDeadline));
  while (shared->open > 0) {
    shared->out_fd.close();
    shared->err_fd.close();
    co_await shared->done.wait(after(limits::kKilledDrainDeadline));
  }
  if (!ended) co_return fail(ErrorCode::timeout, fmt::format("{} took too long and was killed", spec.argv[0]));
  co_return std::move(shared->output);
}

}  // namespace banger::host

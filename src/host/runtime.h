// The event loop for the rest of the code: waiting, deadlines, blocking work, processes. One control thread runs every
// coroutine. Blocking work goes to a small pool of threads. Asio itself stays in runtime.cc.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/task.h"
#include "host/child.h"

namespace asio {
class io_context;
}

namespace banger::host {

using Clock = std::chrono::steady_clock;
using Deadline = Clock::time_point;
inline Deadline after(std::chrono::milliseconds delay) { return Clock::now() + delay; }

/// Owns the io_context and the pool. Everything below runs on the control thread unless it says otherwise.
class Runtime {
 public:
  explicit Runtime(std::size_t pool_threads = 2);
  ~Runtime();
  Runtime(const Runtime&) = delete;
  Runtime& operator=(const Runtime&) = delete;

  asio::io_context& io();
  /// Runs until stop(), or until nothing is left to do.
  void run();
  void stop();

  /// Starts a coroutine that owns everything it uses. An exception that escapes from it is a bug, and ends the process
  /// with a message.
  void spawn(Task<> task);

  Task<> sleep_for(std::chrono::milliseconds duration);

  /// Runs `work` on the pool and returns its value on the control thread.
  template <class F>
  Task<std::invoke_result_t<F>> blocking(F work) {
    std::optional<std::invoke_result_t<F>> value;
    co_await run_on_pool([&] { value.emplace(work()); });
    co_return std::move(*value);
  }

 private:
  Task<> run_on_pool(std::function<void()> work);
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// Wakes coroutines of the control thread. It has no state: only coroutines that already wait wake up, so check the
/// condition again.
class Event {
 public:
  explicit Event(Runtime& runtime);
  ~Event();
  Event(Event&&) noexcept;
  void notify_all();
  /// False when the deadline passed first.
  Task<bool> wait(Deadline deadline = Deadline::max());

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

/// Requested when the caller has gone away. Long work checks it between steps, and long waits end with it.
class Cancel {
 public:
  explicit Cancel(Runtime& runtime) : event_(runtime) {}
  void request() {
    requested_ = true;
    event_.notify_all();
  }
  bool requested() const { return requested_; }
  Event& event() { return event_; }
  /// `cancelled` once requested.
  Result<> check() const { return requested_ ? Result<>(fail(ErrorCode::cancelled, "cancelled")) : Result<>(); }

 private:
  bool requested_ = false;
  Event event_;
};

/// One coroutine at a time, in order of arrival.
class Mutex {
 public:
  explicit Mutex(Runtime& runtime) : event_(runtime) {}
  class Lock {
   public:
    explicit Lock(Mutex* mutex) : mutex_(mutex) {}
    Lock(Lock&& other) noexcept : mutex_(std::exchange(other.mutex_, nullptr)) {}
    Lock& operator=(Lock&&) = delete;
    ~Lock() {
      if (mutex_) mutex_->unlock();
    }

   private:
    Mutex* mutex_;
  };
  Task<Lock> lock();
  bool held() const { return serving_ != next_ticket_; }

 private:
  void unlock();
  std::uint64_t next_ticket_ = 0, serving_ = 0;
  Event event_;
};

/// Waits until `fd` (borrowed) is readable. A pidfd is readable when its process has ended. False when the deadline
/// passed first.
Task<Result<bool>> wait_readable(Runtime& runtime, int fd, Deadline deadline = Deadline::max());

struct Output {
  ExitStatus status;
  std::string out;  ///< stdout, cut at the limit
  std::string err;  ///< the last part of stderr, cut at the limit
};

/// Runs a program to its end, in a session of its own. Its stdin is empty unless spec.stdin_fd is set. Its stdout and
/// stderr are collected. After the deadline its whole process group is killed, and the error is `timeout`. A non-zero
/// exit is not an error.
Task<Result<Output>> run_command(Runtime& runtime, SpawnSpec spec, Deadline deadline,
                                 std::size_t max_output_bytes = 1 << 20);

}  // namespace banger::host

// Bytes that arrive on the control thread, on their way into a pipe whose other end is read on the pool.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "base/task.h"
#include "base/unique_fd.h"
#include "host/runtime.h"

namespace banger::image {

/// Its destruction ends a read that still waits.
class ByteStream {
 public:
  virtual ~ByteStream() = default;
  /// The next bytes; empty at the end.
  virtual Task<Result<std::string>> read() = 0;
};

class Feed {
 public:
  /// Starts at once. The pipe is closed at the end of the stream, and after an error.
  static Result<std::shared_ptr<Feed>> start(host::Runtime& runtime, std::unique_ptr<ByteStream> from, UniqueFd pipe);
  ~Feed();

  /// Ends both sides early. The reader of the pipe then has a stream that is cut short.
  void stop(Error error);
  /// Why the stream is not whole, if this side is the cause.
  const std::optional<Error>& error() const { return error_; }
  /// When bytes came last; now, if bytes wait for the reader of the pipe.
  host::Clock::time_point last_heard() const { return passing_on_ ? host::Clock::now() : last_heard_; }

 private:
  struct Pipe;
  explicit Feed(std::unique_ptr<ByteStream> from);
  static Task<> run(std::shared_ptr<Feed> self);
  Task<bool> pass_on();
  void close();

  std::unique_ptr<ByteStream> from_;
  std::unique_ptr<Pipe> pipe_;
  std::optional<Error> error_;
  host::Clock::time_point last_heard_ = host::Clock::now();
  bool passing_on_ = false, stopped_ = false;
};

}  // namespace banger::image

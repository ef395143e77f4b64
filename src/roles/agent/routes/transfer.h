// Archive work on the pool, at the other end of a pipe. Closing this end of the pipe stops the work. For requests that
// send or receive tar streams.
#pragma once

#include <functional>
#include <memory>
#include <optional>

#include "roles/agent/routes.h"

namespace banger::roles::agent {

/// The pool has few threads. A transfer waits for a free one here, where waiting costs nothing.
class Slot {
 public:
  /// `busy` after limits::kFileTransferWait.
  static Task<Result<Slot>> take(ContextPtr context);
  Slot(Slot&&) = default;
  Slot& operator=(Slot&&) = delete;
  ~Slot();

 private:
  explicit Slot(ContextPtr context) : context_(std::move(context)) {}
  ContextPtr context_;
};

struct Transfer {
  struct Pipe;
  Transfer(ContextPtr c, StreamPtr s, Slot taken);
  ~Transfer();
  ContextPtr context;
  StreamPtr stream;
  Slot slot;
  std::unique_ptr<Pipe> pipe;
  host::Event changed;
  std::optional<Result<>> result;  ///< of the work
  bool fed = false;                ///< uploads: the body is at its end, or broke
  bool broke = false;
};
using TransferPtr = std::shared_ptr<Transfer>;

/// Gets the other end of the pipe, and blocks.
using Work = std::function<Result<>(int fd)>;
enum class Direction { in, out };

Task<Result<TransferPtr>> start_transfer(ContextPtr context, StreamPtr stream, Direction direction, Work work);
/// Writes into the pipe. False when the work has closed its end.
Task<bool> pass_on(TransferPtr transfer, std::string bytes);
/// Closes this end of the pipe.
void close(TransferPtr& transfer);

/// Answers with the tar stream that `pack` writes. `what` is for the log.
Task<> send_archive(ContextPtr context, StreamPtr stream, std::vector<link::Header> headers, std::string what,
                    Work pack);

}  // namespace banger::roles::agent

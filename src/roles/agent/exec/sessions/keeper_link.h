// The agent's connection to the keeper of a session.
#pragma once

#include <memory>
#include <string>

#include "base/result.h"
#include "base/task.h"
#include "host/runtime.h"
#include "link/exec_frames.h"

namespace banger::roles::agent {

/// One reader and one writer at a time. Control thread only.
class KeeperLink {
 public:
  /// `not_found` when the session has no keeper any more: it has ended.
  static Result<std::shared_ptr<KeeperLink>> connect(host::Runtime& runtime, const std::string& session_directory);
  ~KeeperLink();

  /// Completes when the bytes are with the kernel: the keeper may not read yet. False when the session has ended or
  /// close() was called.
  static Task<bool> write(std::shared_ptr<KeeperLink> link, std::string bytes);
  /// Ends this end's bytes. The keeper then takes all of them, and closes the connection.
  void finish();
  /// Completes when the log has grown (true), or when the keeper has closed the connection (false).
  static Task<bool> wait_for_news(std::shared_ptr<KeeperLink> link);
  /// Waits for the keeper to close the connection. False when the deadline passed first.
  static Task<bool> wait_for_end(std::shared_ptr<KeeperLink> link, host::Deadline deadline);
  /// Ends a pending read and write.
  void close();

 private:
  struct Impl;
  explicit KeeperLink(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace banger::roles::agent

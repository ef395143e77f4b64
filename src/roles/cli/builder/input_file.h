// What a command line names as input, as a file that the daemon can read.
#pragma once

#include <optional>
#include <string>

#include "base/result.h"
#include "roles/cli/builder/spool.h"
#include "roles/cli/terminal.h"

namespace banger::roles::cli {

/// A copy in the cache is removed with this object. While there is one, Ctrl-C does not end the process; calls to the
/// daemon still see it.
class InputFile {
 public:
  /// The file `name`, or a copy of standard input for "-". `invalid` if that is a terminal, `cancelled` on Ctrl-C.
  static Result<InputFile> file(const Io& io, const std::string& name);
  /// The same, or a tar of the directory `name`.
  static Result<InputFile> file_or_tree(const Io& io, const std::string& name);

  const std::string& path() const { return spool_ ? spool_->path() : path_; }

 private:
  explicit InputFile(std::string path) : path_(std::move(path)) {}
  InputFile(Signals signals, Spool spool) : signals_(std::move(signals)), spool_(std::move(spool)) {}

  std::string path_;
  std::optional<Signals> signals_;
  std::optional<Spool> spool_;
};

}  // namespace banger::roles::cli

// Copying a log to standard output: from a raw stream or a growing file, made harmless for a terminal.
#pragma once

#include <string>
#include <string_view>

#include "roles/cli/connect.h"

namespace banger::roles::cli {

/// A guest writes its own log, and a terminal obeys what it shows: only text, line ends, tabs and colours pass.
class TerminalFilter {
 public:
  /// May keep the start of an escape sequence for the next call.
  std::string feed(std::string_view bytes);

 private:
  enum class State { text, escape, sequence, string, string_escape, c1 };
  void take(char byte, std::string& out);
  State state_ = State::text;
  std::string pending_;
};

/// Until the stream's end; kInterrupted on a signal.
Result<int> copy_log(Io& io, rpc::Client::RawStream stream, const Signals& signals);

/// The last `tail_bytes` of a file (all of it when it has fewer), and with `follow` what is added until a signal comes.
Result<int> copy_log_file(Io& io, const std::string& path, std::uint64_t tail_bytes, bool follow);

}  // namespace banger::roles::cli

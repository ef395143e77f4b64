// Copies a log to standard output, from a raw stream or a growing file. A terminal gets only harmless bytes.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "roles/cli/command.h"
#include "roles/cli/connect.h"

namespace banger::roles::cli {

/// The guest writes its log, and a terminal obeys escape sequences. So only text, line ends, tabs and colours pass this
/// filter.
class TerminalFilter {
 public:
  /// Returns the bytes that pass. The start of an escape sequence may wait for the next call.
  std::string feed(std::string_view bytes);

 private:
  enum class State { text, escape, sequence, string, string_escape, c1 };
  void take(char byte, std::string& out);
  State state_ = State::text;
  std::string pending_;
};

enum class StreamEnd {
  ended,        ///< by the other side
  enough,       ///< nobody needs more: `take` said so, or nobody reads standard output
  interrupted,  ///< by a signal
};
/// Passes a raw stream's bytes to `take`, which returns true when it has enough. `what` completes "read the …" of an
/// error.
Result<StreamEnd> read_stream(Io& io, int socket, const Signals& signals, std::string_view what,
                              const std::function<Result<bool>(std::string_view bytes)>& take);

/// Copies until the stream ends. Returns kInterrupted after a signal.
Result<int> copy_log(Io& io, rpc::Client::RawStream stream, const Signals& signals);

enum class Follow { no, yes };
/// Copies the last lines of a file, or the whole file if it has fewer. With Follow::yes, also copies new bytes until a
/// signal arrives.
Result<int> copy_log_file(Io& io, const std::string& path, std::uint64_t lines, Follow follow);

/// `--tail` of the commands that print logs: a number of lines, or -1 for all.
constexpr Option tail_option(std::string_view help) {
  return {.name = "tail", .letter = 'n', .kind = Kind::lines, .value = "LINES", .help = help};
}

}  // namespace banger::roles::cli

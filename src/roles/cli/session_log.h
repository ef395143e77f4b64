// Copies the log of a session from a stdio_mux_v1 stream to the standard streams.
#pragma once

#include <cstdint>
#include <string_view>

#include "roles/cli/command.h"
#include "roles/cli/connect.h"

namespace banger::roles::cli {

/// What a reader has of a session's output, to find what the log has lost. Only the wanted streams count.
struct LogPlace {
  bool wants_out = true, wants_err = true;
  bool known = true;               ///< false: the place of the first byte is not known yet
  std::uint64_t out = 0, err = 0;  ///< bytes before the next frame

  /// The number of bytes that are missing before the place of this `position` frame.
  std::uint64_t missing_at(std::string_view payload);
};

/// Copies until the log's end. A terminal gets only harmless bytes. Prints a note where the log has lost bytes after
/// `place`. Returns kInterrupted after a signal.
Result<int> copy_session_log(Io& io, rpc::Client::RawStream stream, const Signals& signals, const LogPlace& place);

/// "10m" before now, or "@1700000000": unix time in ms.
Result<std::int64_t> parse_since(std::string_view text);

}  // namespace banger::roles::cli

// The frames inside a `POST /exec` stream, and on the daemon's socket after the answer to `vm.exec`. The daemon relays
// them unread. Layout: type (1 byte), length (4 bytes, big endian, at most limits::kLinkFrameBytes), payload.
//
//   client → guest: spec_part (any number) and spec (exactly once), which are one document (exec_spec.h), then
//                  stdin_data, stdin_end, signal (1 byte), resize (rows, cols: 2 × u16 BE)
//   guest → client: started (empty; again after every signal that arrived), stdout_data, stderr_data,
//                  then exactly one of exit (JSON) or failed (JSON error)
//
// The streams of sessions (docs/sessions.md) have the same frames, without a spec. They also have `position`:
// a time (unix ms), and the bytes of stdout and stderr before it (3 × u64 BE). It is sent first, and where bytes are
// missing. The logs of sessions are files of these frames.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/json.h"
#include "base/result.h"

namespace banger::link {

enum class FrameType : std::uint8_t {
  spec = 1,
  stdin_data = 2,
  stdin_end = 3,
  signal = 4,
  resize = 5,
  spec_part = 6,
  started = 16,
  stdout_data = 17,
  stderr_data = 18,
  exit = 19,
  failed = 20,
  position = 21,
};

struct Frame {
  FrameType type;
  std::string payload;
};

/// Appends the encoded frame to `out`. REQUIRES: payload.size() <= limits::kLinkFrameBytes.
void encode_frame(FrameType type, std::string_view payload, std::string& out);

/// Incremental decoder of an untrusted byte stream.
class FrameDecoder {
 public:
  void feed(std::string_view bytes);
  /// The next whole frame, nullopt when more bytes are needed, `corrupt` on an unknown type or an oversized length.
  Result<std::optional<Frame>> next();

 private:
  std::string buffer_;
  std::size_t at_ = 0;
};

/// The payload of `exit`: {"code": 0} or {"signal": 9}, with "ending": true if the guest's end ended the command. Of
/// `failed`: {"code": 126|127|125, "message": …}.
struct ExecExit {
  int code = 0;
  int signal = 0;
  std::string message;  ///< set when the command never ran
  bool ending = false;  ///< the guest is ending, which ended the command
};
std::string encode_exit(const ExecExit& result);
Result<ExecExit> decode_exit(FrameType type, std::string_view payload);

/// The payload of `position`.
struct Position {
  std::int64_t unix_ms = 0;
  std::uint64_t out = 0, err = 0;  ///< bytes before
};
std::string encode_position(const Position& position);
/// `corrupt` when the payload has another size.
Result<Position> decode_position(std::string_view payload);

}  // namespace banger::link

// QMP on the wire: bytes into lines, lines into messages. Pure: no I/O, any bytes are safe. Source: QEMU's
// docs/interop/qmp-spec (one JSON object a line, from the server).
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "base/json.h"
#include "base/result.h"

namespace banger::machine::qemu {

/// `{"QMP": …}`: the first message of a server.
struct QmpGreeting {};

/// `{"return": …, "id": N}` or `{"error": {"class", "desc"}, "id": N}`.
struct QmpReply {
  std::optional<std::int64_t> id;  ///< absent when the server could not parse the command
  std::optional<Error> error;
  std::string value;  ///< the JSON text of "return", when there is no error
};

/// `{"event": NAME, "data": {…}}`.
struct QmpEvent {
  std::string name;
  std::string data;  ///< JSON text, "{}" when absent
};

using QmpMessage = std::variant<QmpGreeting, QmpReply, QmpEvent>;

/// `invalid` when the line is not a QMP message.
Result<QmpMessage> parse_qmp(std::string_view line);

/// `command` as a line to send. `arguments` may be null.
std::string qmp_command(std::string_view command, const Json& arguments, std::int64_t id);

/// Collects bytes into lines of at most limits::kQmpLineBytes.
class LineSplitter {
 public:
  /// Adds bytes that were read.
  void add(std::string_view bytes) { buffer_.append(bytes); }
  /// The next whole line without its end, or nullopt when more bytes are needed. `exhausted` when a line is too long.
  Result<std::optional<std::string>> next();

 private:
  std::string buffer_;
  std::size_t searched_ = 0;  // no newline before here, so that each byte of a long line is searched once
};

}  // namespace banger::machine::qemu

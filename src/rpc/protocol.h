// JSON-RPC 2.0 (jsonrpc.org/specification), newline-delimited, over the daemon's Unix socket. Framing and message
// shapes, no I/O.
#pragma once

#include <expected>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "base/json.h"
#include "base/result.h"

namespace banger::rpc {

/// Splits an untrusted byte stream into lines of at most limits::kRpcMessageBytes.
class LineReader {
 public:
  void feed(std::string_view bytes);
  /// The next line without its newline, nullopt when more bytes are needed, `invalid` when a line is too long. After
  /// that error the reader cannot find the next line: drop the connection.
  Result<std::optional<std::string>> next();
  /// Bytes fed and not yet taken.
  std::size_t buffered() const { return buffer_.size() - at_; }
  /// The bytes fed after the last line taken: the first bytes of a raw stream.
  std::string take_rest();

 private:
  std::string buffer_;
  std::size_t at_ = 0;       // start of the line that is being collected
  std::size_t scanned_ = 0;  // no newline in [at_, scanned_)
};

struct Call {
  Json id;  ///< string or whole number; null for a notification
  std::string method;
  Json params;  ///< an object, {} when absent
};

/// error.code of an answer. `by_error`: -32602 for `invalid`, else -32000.
enum class WireCode { by_error = 0, parse_error = -32700, unknown_method = -32601 };

/// Why a line is not a call, with all the data that its answer needs.
struct BadCall {
  Json id;  ///< the call's id if it could be read, else null
  WireCode code = WireCode::by_error;
  Error error;
};

/// BadCall (with an `invalid` error) on anything that is not a single request object. An id of null is refused. A call
/// without an id is a notification.
std::expected<Call, BadCall> parse_call(std::string_view line);

// The encoders give one line with its newline.

/// `invalid` when a parameter is not UTF-8 text, because the daemon must get exactly the caller's bytes.
Result<std::string> encode_call(std::int64_t id, std::string_view method, const Json& params);
// In answers, text that is not UTF-8 is replaced: it is for people.
std::string encode_result(const Json& id, const Json& result);
/// error.data = {"code", "hint", "errno"}.
std::string encode_error(const Json& id, const Error& error, WireCode code = WireCode::by_error);
/// {"method":"progress","params":{"id", "stage", "detail", "percent"}}; percent is -1 when unknown.
std::string encode_progress(const Json& id, std::string_view stage, std::string_view detail, int percent);

struct Reply {
  enum class Kind { result, error, progress } kind = Kind::result;
  Json id;      ///< null in an error that is about the whole connection
  Json result;  ///< result, or progress params
  Error error;
};
/// `invalid` unless the line is one of the three.
Result<Reply> parse_reply(std::string_view line);

}  // namespace banger::rpc

// JSON-RPC 2.0 (jsonrpc.org/specification), newline-delimited, over the daemon's Unix socket. Framing and message shapes, no I/O.
#pragma once

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
  /// The next line without its newline, nullopt when more bytes are needed, `invalid` when a line is too long.
  Result<std::optional<std::string>> next();
  /// What was fed after the last line taken: the first bytes of a raw stream.
  std::string take_rest();

 private:
  std::string buffer_;
  std::size_t at_ = 0;
};

struct Call {
  Json id;                 ///< string or number; null for a notification
  std::string method;
  Json params;             ///< an object, {} when absent
};

/// `invalid` on anything that is not a single request object.
Result<Call> parse_call(std::string_view line);

std::string encode_call(std::int64_t id, std::string_view method, const Json& params);
std::string encode_result(const Json& id, const Json& result);
/// error.code is -32602 for invalid, -32601 for an unknown method, else -32000; error.data = {"code", "hint", "errno"}.
std::string encode_error(const Json& id, const Error& error);
/// {"method":"progress","params":{"id", "stage", "detail", "percent"}}; percent is -1 when unknown.
std::string encode_progress(const Json& id, std::string_view stage, std::string_view detail, int percent);

struct Reply {
  enum class Kind { result, error, progress } kind;
  Json id;
  Json result;                       ///< result, or progress params
  Error error;
};
Result<Reply> parse_reply(std::string_view line);

}  // namespace banger::rpc

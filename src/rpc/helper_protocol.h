// The protocol of the daemon and the root helper: one line of JSON each way, on a connection of its own. Descriptors
// travel with the reply. Message shapes, no I/O.
//
//   {"operation": "tap.create", "arguments": {…}}
//   {"result": {…}}      or      {"error": {"code", "message", "hint", "errno"}}
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "base/json.h"
#include "base/result.h"

namespace banger::rpc {

struct HelperRequest {
  std::string operation;
  Json arguments;  ///< an object, {} when absent
};

/// `invalid` unless the line is one request of at most limits::kHelperMessageBytes. Any bytes are safe.
Result<HelperRequest> parse_helper_request(std::string_view line);
/// With its newline.
std::string encode_helper_request(std::string_view operation, const Json& arguments);

std::string encode_helper_result(const Json& result);
std::string encode_helper_error(const Error& error);
/// The result, or the error that the helper sent. `invalid` when the line is neither.
Result<Json> parse_helper_reply(std::string_view line);

}  // namespace banger::rpc

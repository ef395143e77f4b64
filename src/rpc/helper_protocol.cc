#include "rpc/helper_protocol.h"

#include <fmt/format.h>

#include "base/bounds.h"
#include "base/text.h"

namespace banger::rpc {

Result<HelperRequest> parse_helper_request(std::string_view line) {
  auto message = TRY(parse_json(line, limits::kHelperMessageBytes));
  if (!message.is_object()) return fail(ErrorCode::invalid, "a request must be an object");
  TRY(only_keys(message, {"operation", "arguments"}));
  HelperRequest request{TRY(get_string(message, "operation")), Json::object()};
  if (auto arguments = message.find("arguments"); arguments != message.end()) {
    if (!arguments->is_object()) return fail(ErrorCode::invalid, "field 'arguments' must be an object");
    request.arguments = std::move(*arguments);
  }
  return request;
}

std::string encode_helper_request(std::string_view operation, const Json& arguments) {
  return dump_json({{"operation", operation}, {"arguments", arguments}}) + "\n";
}

std::string encode_helper_result(const Json& result) { return dump_json({{"result", result}}) + "\n"; }

std::string encode_helper_error(const Error& error) {
  return dump_json({{"error",
                     {{"code", to_string(error.code)},
                      {"message", error.message},
                      {"hint", error.hint},
                      {"errno", error.sys_errno}}}}) +
         "\n";
}

Result<Json> parse_helper_reply(std::string_view line) {
  auto message = TRY(in("the root helper's reply", parse_json(line, limits::kHelperMessageBytes)));
  if (auto result = message.is_object() ? message.find("result") : message.end();
      result != message.end() && result->is_object())
    return std::move(*result);
  auto error = message.is_object() ? message.find("error") : message.end();
  if (error == message.end() || !error->is_object())
    return fail(ErrorCode::invalid, "the root helper's reply is neither a result nor an error");
  auto number = TRY(find_int(*error, "errno")).value_or(0);
  return std::unexpected(Error{.code = error_code_from_string(TRY(get_string(*error, "code"))),
                               .message = TRY(get_string(*error, "message")),
                               .sys_errno = number > 0 && number < 4096 ? static_cast<int>(number) : 0,
                               .hint = TRY(find_string(*error, "hint")).value_or("")});
}

}  // namespace banger::rpc

// Framing and message shapes of the local RPC. No I/O.
#include "rpc/protocol.h"

#include <fmt/format.h>

#include "base/bounds.h"
#include "base/text.h"
#include "rpc/bounds.h"

namespace banger::rpc {

void LineReader::feed(std::string_view bytes) {
  // The rest is moved down only when it is the smaller half, so many short lines cost linear time.
  if (at_ > buffer_.size() / 2) {
    buffer_.erase(0, at_);
    scanned_ -= at_;
    at_ = 0;
  }
  buffer_ += bytes;
}

Result<std::optional<std::string>> LineReader::next() {
  auto newline = buffer_.find('\n', scanned_);
  scanned_ = newline == buffer_.npos ? buffer_.size() : newline;
  if (scanned_ - at_ > limits::kRpcMessageBytes)
    return fail(ErrorCode::invalid,
                fmt::format("a message is over the limit of {}", format_size(limits::kRpcMessageBytes)),
                "send large data through a stream call");
  if (newline == buffer_.npos) return std::nullopt;
  std::string line = buffer_.substr(at_, newline - at_);
  at_ = scanned_ = newline + 1;
  return line;
}

std::string LineReader::take_rest() {
  std::string rest = buffer_.substr(at_);
  buffer_.clear();
  at_ = scanned_ = 0;
  return rest;
}

namespace {

bool usable_id(const Json& id) {
  return id.is_number_integer() || (id.is_string() && id.get_ref<const std::string&>().size() <= limits::kRpcIdBytes);
}

std::unexpected<BadCall> bad_call(Json id, std::string message) {
  return std::unexpected(BadCall{std::move(id), WireCode::by_error, Error{ErrorCode::invalid, std::move(message)}});
}

std::string line_of(const Json& message) { return dump_json(message) + '\n'; }

}  // namespace

std::expected<Call, BadCall> parse_call(std::string_view line) {
  auto parsed = parse_json(line, limits::kRpcMessageBytes);
  if (!parsed)
    return std::unexpected(BadCall{{}, WireCode::parse_error, std::move(parsed.error()).in("read the request")});
  Json& message = *parsed;
  if (!message.is_object()) return bad_call({}, "a request must be a JSON object; batches are not supported");

  Call call;
  if (auto id = message.find("id"); id != message.end()) {
    if (!usable_id(*id))
      return bad_call({},
                      fmt::format("'id' must be a whole number or a string of at most {} bytes", limits::kRpcIdBytes));
    call.id = std::move(*id);
  }
  if (auto version = message.find("jsonrpc"); version != message.end() && *version != "2.0")
    return bad_call(std::move(call.id), "'jsonrpc' must be \"2.0\"");
  auto method = message.find("method");
  if (method == message.end() || !method->is_string()) return bad_call(std::move(call.id), "'method' must be a string");
  call.method = std::move(method->get_ref<std::string&>());
  call.params = Json::object();
  if (auto params = message.find("params"); params != message.end() && !params->is_null()) {
    if (!params->is_object()) return bad_call(std::move(call.id), "'params' must be an object with named parameters");
    call.params = std::move(*params);
  }
  return call;
}

Result<std::string> encode_call(std::int64_t id, std::string_view method, const Json& params) {
  if (auto text = encode_json(params); !text)
    return fail(ErrorCode::invalid, fmt::format("the parameter {}", text.error().message));
  Json message = {{"jsonrpc", "2.0"}, {"id", id}, {"method", method}};
  if (!params.is_null()) message["params"] = params;
  return line_of(message);
}

std::string encode_result(const Json& id, const Json& result) {
  return line_of({{"jsonrpc", "2.0"}, {"id", id}, {"result", result}});
}

std::string encode_error(const Json& id, const Error& error, WireCode code) {
  int number = static_cast<int>(code);
  if (code == WireCode::by_error) number = error.code == ErrorCode::invalid ? -32602 : -32000;
  Json data = {{"code", to_string(error.code)}, {"hint", error.hint}, {"errno", error.sys_errno}};
  return line_of({{"jsonrpc", "2.0"},
                  {"id", id},
                  {"error", {{"code", number}, {"message", error.message}, {"data", std::move(data)}}}});
}

std::string encode_progress(const Json& id, std::string_view stage, std::string_view detail, int percent) {
  return line_of({{"jsonrpc", "2.0"},
                  {"method", "progress"},
                  {"params", {{"id", id}, {"stage", stage}, {"detail", detail}, {"percent", percent}}}});
}

namespace {

Result<Error> error_of(const Json& object) {
  Error error;
  error.message = TRY(get_string(object, "message"));
  auto data = object.find("data");
  if (data == object.end() || !data->is_object()) return error;
  error.code = error_code_from_string(TRY(find_string(*data, "code")).value_or("internal"));
  error.hint = TRY(find_string(*data, "hint")).value_or("");
  error.sys_errno = static_cast<int>(TRY(find_int(*data, "errno")).value_or(0));
  return error;
}

Result<Reply> reply_of(Json message) {
  if (!message.is_object()) return fail(ErrorCode::invalid, "an answer must be a JSON object");
  Reply reply;
  if (auto id = message.find("id"); id != message.end()) reply.id = std::move(*id);
  if (auto result = message.find("result"); result != message.end()) {
    reply.result = std::move(*result);
    return reply;
  }
  if (auto error = message.find("error"); error != message.end()) {
    reply.kind = Reply::Kind::error;
    reply.error = TRY(error_of(*error));
    return reply;
  }
  auto params = message.find("params");
  if (TRY(get_string(message, "method")) != "progress" || params == message.end() || !params->is_object())
    return fail(ErrorCode::invalid, "neither a result nor an error nor progress");
  reply.kind = Reply::Kind::progress;
  reply.id = params->value("id", Json());
  reply.result = std::move(*params);
  return reply;
}

}  // namespace

Result<Reply> parse_reply(std::string_view line) {
  auto message = TRY(in("read the answer", parse_json(line, limits::kRpcMessageBytes)));
  return in("read the answer", reply_of(std::move(message)));
}

}  // namespace banger::rpc

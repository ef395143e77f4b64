#include "machine/firecracker/api_message.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>

#include "base/json.h"
#include "base/text.h"
#include "machine/bounds.h"
#include "machine/firecracker/bounds.h"

namespace banger::machine::firecracker {

namespace {

constexpr int kContinue = 100, kNoContent = 204, kNotModified = 304;

std::unexpected<Error> not_http(std::string why) {
  return fail(ErrorCode::invalid, fmt::format("not an HTTP answer: {}", std::move(why)));
}

// "HTTP/1.1 204 " and also "HTTP/1.1 204": the reason phrase may be empty.
Result<int> status_of(std::string_view line) {
  if (!line.starts_with("HTTP/1.") || line.size() < 12 || line[8] != ' ') return not_http(printable(line, 60));
  int status = 0;
  auto [end, error] = std::from_chars(line.data() + 9, line.data() + 12, status);
  bool whole = end == line.data() + 12 && (line.size() == 12 || line[12] == ' ');
  if (error != std::errc{} || !whole || status < 100) return not_http(printable(line, 60));
  return status;
}

bool same_name(std::string_view a, std::string_view b) {
  auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
  return std::ranges::equal(a, b, {}, lower, lower);
}

struct Head {
  std::optional<std::size_t> length;
};

Result<> read_header(std::string_view line, Head& head) {
  auto colon = line.find(':');
  if (colon == line.npos || colon == 0) return not_http(fmt::format("header '{}'", printable(line, 60)));
  auto name = line.substr(0, colon), value = trim(line.substr(colon + 1));
  // No request of ours asks for chunks. A body that is read by the wrong rule could pass for another body.
  if (same_name(name, "Transfer-Encoding")) return not_http("the body is in chunks");
  if (!same_name(name, "Content-Length")) return {};
  std::size_t length = 0;
  auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), length);
  if (value.empty() || end != value.data() + value.size()) return not_http("the length is not a number");
  if (error != std::errc{} || length > limits::kFirecrackerBodyBytes)
    return fail(ErrorCode::exhausted,
                fmt::format("an answer is longer than {}", format_size(limits::kFirecrackerBodyBytes)));
  if (head.length && *head.length != length) return not_http("it has two different lengths");
  head.length = length;
  return {};
}

std::optional<std::string> text_field(std::string_view body, const char* key) {
  auto json = parse_json(body, limits::kFirecrackerBodyBytes);
  if (!json || !json->is_object()) return std::nullopt;
  auto text = get_string(*json, key);
  return text ? std::optional(*text) : std::nullopt;
}

// Firecracker answers a malformed request with a line break inside the JSON text, which no JSON parser accepts.
std::string without_breaks(std::string_view body) {
  std::string text(body);
  std::ranges::replace_if(text, [](char c) { return c == '\n' || c == '\r' || c == '\t'; }, ' ');
  return text;
}

std::string message_of(std::string_view body) {
  auto flat = without_breaks(body);
  for (const char* key : {"fault_message", "error"})
    if (auto text = text_field(flat, key)) return *text;
  return std::string(trim(flat));
}

ErrorCode code_of(int status, std::string_view message) {
  if (status == 503) return ErrorCode::busy;
  if (status == 413) return ErrorCode::exhausted;
  // "unknown field `x`, expected …" and "Invalid request method and/or path: …": the version is too old for the
  // request.
  for (std::string_view sign : {"unknown field", "unknown variant", "Invalid request method and/or path"})
    if (message.find(sign) != message.npos) return ErrorCode::unsupported;
  return ErrorCode::unavailable;
}

}  // namespace

Result<std::string> to_bytes(const ApiRequest& request) {
  auto line = fmt::format("{} {} HTTP/1.1\r\n", request.method, request.path);
  if (line.size() > limits::kFirecrackerLineBytes)
    return fail(ErrorCode::invalid, fmt::format("{}: too long for Firecracker", printable(request.path, 60)));
  if (request.body.size() > limits::kFirecrackerRequestBytes)
    return fail(ErrorCode::invalid,
                fmt::format("{}: {} bytes are more than Firecracker accepts", request.path, request.body.size()));
  auto text = line + "Host: localhost\r\nAccept: application/json\r\n";
  if (!request.body.empty())
    text += fmt::format("Content-Type: application/json\r\nContent-Length: {}\r\n", request.body.size());
  return text + "\r\n" + request.body;
}

Error error_of(const ApiReply& reply) {
  auto message = message_of(reply.body);
  auto code = code_of(reply.status, message);
  if (message.empty()) return {code, fmt::format("Firecracker answered with status {} and nothing else", reply.status)};
  return {code, printable(message, limits::kVmmMessageBytes)};
}

Result<bool> ReplyParser::take_head() {
  auto end = buffer_.find("\r\n\r\n");
  if (std::min(end, buffer_.size()) > limits::kFirecrackerHeadBytes)
    return fail(ErrorCode::exhausted, "the head of an answer is too long");
  if (end == buffer_.npos) return false;
  auto text = buffer_.substr(0, end);
  buffer_.erase(0, end + 4);
  auto lines = split(text, '\n');
  for (auto& line : lines)
    if (line.ends_with('\r')) line.remove_suffix(1);
  reply_.status = TRY(status_of(lines.front()));
  Head head;
  for (std::size_t i = 1; i < lines.size(); ++i) TRY(read_header(lines[i], head));
  bool bodiless = reply_.status < 200 || reply_.status == kNoContent || reply_.status == kNotModified;
  length_ = bodiless ? std::optional<std::size_t>(0) : head.length;
  in_body_ = true;
  return true;
}

Result<std::optional<ApiReply>> ReplyParser::next() {
  for (;;) {
    if (!in_body_ && !TRY(take_head())) {
      if (ended_) return fail(ErrorCode::unavailable, "Firecracker closed its API socket");
      return std::nullopt;
    }
    if (reply_.status != kContinue) break;
    in_body_ = false;  // "100 Continue" only announces the real answer
  }
  if (!length_ && buffer_.size() > limits::kFirecrackerBodyBytes)
    return fail(ErrorCode::exhausted,
                fmt::format("an answer is longer than {}", format_size(limits::kFirecrackerBodyBytes)));
  if (!length_ && !ended_) return std::nullopt;
  auto wanted = length_.value_or(buffer_.size());
  if (buffer_.size() < wanted) {
    if (ended_) return fail(ErrorCode::unavailable, "Firecracker closed its API socket in the middle of an answer");
    return std::nullopt;
  }
  reply_.body = buffer_.substr(0, wanted);
  buffer_.erase(0, wanted);
  in_body_ = false;
  return std::exchange(reply_, {});
}

}  // namespace banger::machine::firecracker

#include "egress/http_head.h"

#include <algorithm>
#include <utility>

#include "egress/bounds.h"

namespace banger::egress {

namespace {

struct Sentence {
  HeadFault fault;
  std::string_view text;
};
constexpr Sentence kSentences[] = {
    {HeadFault::none, "the request is sound"},
    {HeadFault::too_large, "the request's head is too large"},
    {HeadFault::line_end, "the request has a line that does not end with CR LF"},
    {HeadFault::control_character, "the request has a control character in its head"},
    {HeadFault::request_line, "the request does not begin with a method, a target and HTTP/1.0 or HTTP/1.1"},
    {HeadFault::target, "the request's target does not fit its method"},
    {HeadFault::folded_line, "the request has a field that goes on in a second line"},
    {HeadFault::field_name, "the request has a field with a malformed name"},
    {HeadFault::host_missing, "the request has no Host field"},
    {HeadFault::host_twice, "the request has two Host fields"},
    {HeadFault::host_invalid, "the request's Host field is not a host"},
    {HeadFault::host_differs, "the request's Host field and its target name different hosts"},
    {HeadFault::content_length, "the request's Content-Length is no number, or is there twice"},
    {HeadFault::transfer_encoding, "the request has a Transfer-Encoding other than chunked"},
    {HeadFault::both_lengths, "the request has both a Content-Length and a Transfer-Encoding"},
};

bool is_token(std::string_view text) {
  constexpr std::string_view kMarks = "!#$%&'*+-.^_`|~";
  return !text.empty() && std::ranges::all_of(text, [&](char c) {
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || kMarks.find(c) != kMarks.npos;
  });
}

bool is_control(char c) { return (static_cast<unsigned char>(c) < ' ' && c != '\t') || c == '\x7f'; }

std::string_view trim_spaces(std::string_view text) {
  constexpr std::string_view kSpaces = " \t";
  auto begin = text.find_first_not_of(kSpaces);
  if (begin == text.npos) return {};
  return text.substr(begin, text.find_last_not_of(kSpaces) + 1 - begin);
}

}  // namespace

std::string_view to_sentence(HeadFault fault) { return std::ranges::find(kSentences, fault, &Sentence::fault)->text; }

HeadState HttpHeadParser::feed(std::string_view bytes) {
  for (char byte : bytes) {
    if (state_ != HeadState::need_more) break;
    fault_ = take(byte);
    if (fault_ != HeadFault::none) state_ = HeadState::refused;
  }
  return state_;
}

HeadFault HttpHeadParser::take(char byte) {
  if (++bytes_ > limits::kRequestHeadBytes) return HeadFault::too_large;
  if (after_cr_ != (byte == '\n')) return HeadFault::line_end;
  after_cr_ = byte == '\r';
  if (after_cr_) return HeadFault::none;
  if (byte == '\n') return take_line();
  if (is_control(byte)) return HeadFault::control_character;
  line_ += byte;
  return line_.size() > limits::kRequestLineBytes ? HeadFault::too_large : HeadFault::none;
}

HeadFault HttpHeadParser::take_line() {
  auto line = std::exchange(line_, {});
  if (!std::exchange(has_request_line_, true)) return read_request_line(line, head_);
  if (!line.empty()) return read_field(line, head_);
  auto fault = finish_head(head_);
  if (fault == HeadFault::none) state_ = HeadState::found;
  return fault;
}

HeadFault read_request_line(std::string_view line, HttpHead& head) {
  auto first = line.find(' '), last = line.rfind(' ');
  if (first == line.npos || first == last) return HeadFault::request_line;
  auto method = line.substr(0, first), target = line.substr(first + 1, last - first - 1),
       version = line.substr(last + 1);
  bool visible = std::ranges::all_of(target, [](char c) { return c > ' ' && c <= '~'; });
  bool known = version == "HTTP/1.0" || version == "HTTP/1.1";
  if (!is_token(method) || target.empty() || !visible || !known) return HeadFault::request_line;
  head.method = method;
  head.target = target;
  head.minor_version = version.back() - '0';
  return HeadFault::none;
}

HeadFault read_field(std::string_view line, HttpHead& head) {
  if (line[0] == ' ' || line[0] == '\t') return HeadFault::folded_line;
  auto colon = line.find(':');
  if (colon == line.npos || !is_token(line.substr(0, colon))) return HeadFault::field_name;
  if (head.fields.size() == limits::kRequestFields) return HeadFault::too_large;
  head.fields.push_back({std::string(line.substr(0, colon)), std::string(trim_spaces(line.substr(colon + 1)))});
  return HeadFault::none;
}

}  // namespace banger::egress

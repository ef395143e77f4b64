#include "link/target.h"

#include <fmt/format.h>

#include "base/text.h"
#include "link/link.h"

namespace banger::link {

namespace {

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

Result<std::string> decode(std::string_view text) {
  std::string bytes;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      bytes.push_back(text[i]);
      continue;
    }
    int high = i + 2 < text.size() ? hex_digit(text[i + 1]) : -1;
    int low = i + 2 < text.size() ? hex_digit(text[i + 2]) : -1;
    if (high < 0 || low < 0 || high + low == 0)
      return fail(ErrorCode::invalid, fmt::format("bad escape in '{}'", printable(text)));
    bytes.push_back(static_cast<char>(high * 16 + low));
    i += 2;
  }
  return bytes;
}

bool is_unreserved(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
         c == '_' || c == '~';
}

}  // namespace

std::string percent_encode(std::string_view bytes) {
  std::string text;
  for (char c : bytes) {
    if (is_unreserved(c) || c == '/')
      text.push_back(c);
    else
      text += fmt::format("%{:02X}", static_cast<unsigned char>(c));
  }
  return text;
}

Result<Target> parse_target(std::string_view text) {
  Target target;
  auto mark = text.find('?');
  target.path = TRY(decode(text.substr(0, mark)));
  if (mark == std::string_view::npos) return target;
  for (auto part : split(text.substr(mark + 1), '&')) {
    if (part.empty()) continue;
    auto equals = part.find('=');
    auto value = equals == std::string_view::npos ? std::string_view() : part.substr(equals + 1);
    target.query.emplace_back(TRY(decode(part.substr(0, equals))), TRY(decode(value)));
  }
  return target;
}

}  // namespace banger::link

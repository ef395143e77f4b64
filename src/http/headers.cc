#include "http/headers.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"

namespace banger::http {

namespace {

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

// RFC 9110, section 5.6.2.
bool is_token_character(char c) {
  constexpr std::string_view kOthers = "!#$%&'*+-.^_`|~0123456789";
  return (lower(c) >= 'a' && lower(c) <= 'z') || kOthers.find(c) != kOthers.npos;
}

bool is_value_character(char c) { return c == '\t' || (static_cast<unsigned char>(c) >= ' ' && c != 0x7f); }

}  // namespace

void Headers::set(std::string name, std::string value) {
  remove(name);
  add(std::move(name), std::move(value));
}

void Headers::remove(std::string_view name) {
  std::erase_if(fields_, [&](const Field& field) { return same_name(field.first, name); });
}

const std::string* Headers::find(std::string_view name) const {
  auto it = std::ranges::find_if(fields_, [&](const Field& field) { return same_name(field.first, name); });
  return it == fields_.end() ? nullptr : &it->second;
}

std::string Headers::get(std::string_view name) const {
  const auto* value = find(name);
  return value ? *value : "";
}

std::vector<std::string> Headers::all(std::string_view name) const {
  std::vector<std::string> values;
  for (const auto& [key, value] : fields_)
    if (same_name(key, name)) values.push_back(value);
  return values;
}

std::string lower_case(std::string_view text) {
  std::string result(text);
  std::ranges::transform(result, result.begin(), lower);
  return result;
}

bool same_name(std::string_view one, std::string_view other) {
  return std::ranges::equal(one, other, [](char a, char b) { return lower(a) == lower(b); });
}

bool is_token(std::string_view text) { return !text.empty() && std::ranges::all_of(text, is_token_character); }

Result<> check(const Headers& headers) {
  for (const auto& [name, value] : headers.fields()) {
    if (!is_token(name)) return fail(ErrorCode::invalid, fmt::format("'{}' is no name of a header", printable(name)));
    // The value may be a secret, so the message leaves it out.
    if (!std::ranges::all_of(value, is_value_character))
      return fail(ErrorCode::invalid, fmt::format("the header {} has a control character", name));
  }
  return {};
}

}  // namespace banger::http

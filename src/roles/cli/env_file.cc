#include "roles/cli/env_file.h"

#include <fmt/format.h>

#include "base/text.h"

namespace banger::roles::cli {

namespace {

constexpr std::string_view kBlanks = " \t\v\f";
constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";

std::string_view without_blanks_in_front(std::string_view line) {
  line.remove_prefix(std::min(line.find_first_not_of(kBlanks), line.size()));
  return line;
}

}  // namespace

Result<> add_env_file(std::string_view text, const std::function<std::optional<std::string>(const std::string&)>& own,
                      std::map<std::string, std::string>& values) {
  if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
  int number = 0;
  for (auto line : split(text, '\n')) {
    ++number;
    if (line.ends_with('\r')) line.remove_suffix(1);
    line = without_blanks_in_front(line);
    if (line.empty() || line.starts_with('#')) continue;
    auto equals = line.find('=');
    std::string key(line.substr(0, equals));
    if (key.empty() || key.find_first_of(kBlanks) != key.npos)
      return fail(ErrorCode::invalid,
                  fmt::format("line {}: '{}' is not the name of a variable", number, printable(key, 80)),
                  "write KEY=VALUE, without 'export' or spaces around the '='");
    if (equals != line.npos)
      values[key] = line.substr(equals + 1);
    else if (auto value = own(key))
      values[key] = std::move(*value);
  }
  return {};
}

}  // namespace banger::roles::cli

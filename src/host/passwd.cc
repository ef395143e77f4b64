#include "host/passwd.h"

#include <charconv>

#include "base/text.h"
#include "host/bounds.h"
#include "host/files.h"

namespace banger::host {

namespace {

template <class Number>
bool read_number(std::string_view text, Number& number) {
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc{} && end == text.data() + text.size();
}

// name:password:uid:gid:gecos:home:shell, passwd(5).
std::optional<User> parse_line(std::string_view line) {
  auto fields = split(line, ':');
  User user;
  if (fields.size() < 6 || !read_number(fields[2], user.uid) || !read_number(fields[3], user.gid)) return std::nullopt;
  user.name = fields[0];
  user.home = fields[5];
  return user;
}

template <class Wanted>
std::optional<User> first_user(const std::string& file, Wanted wanted) {
  auto text = read_file(file, limits::kUserFileBytes);
  if (!text) return std::nullopt;
  for (auto line : split(*text, '\n'))
    if (auto user = parse_line(line); user && wanted(*user)) return user;
  return std::nullopt;
}

}  // namespace

std::optional<User> find_user(std::string_view name, const std::string& file) {
  return first_user(file, [&](const User& user) { return user.name == name; });
}

std::optional<User> find_user(uid_t uid, const std::string& file) {
  return first_user(file, [&](const User& user) { return user.uid == uid; });
}

}  // namespace banger::host

// Users by name and number, read from /etc/passwd directly, because NSS does not work in a static binary. So users of a
// directory service are not found.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <string_view>

namespace banger::host {

struct User {
  std::string name;
  uid_t uid = 0;
  gid_t gid = 0;
  std::string home;
};

std::optional<User> find_user(std::string_view name, const std::string& file = "/etc/passwd");
std::optional<User> find_user(uid_t uid, const std::string& file = "/etc/passwd");

}  // namespace banger::host

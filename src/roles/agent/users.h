// The user of a guest command, read from /etc/passwd and /etc/group, because the static binary has no NSS.
#pragma once

#include <sys/types.h>

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace banger::roles::agent {

struct User {
  std::string name;  ///< empty when a bare uid has no passwd entry
  uid_t uid = 0;
  gid_t gid = 0;
  std::vector<gid_t> groups;  ///< supplementary, `gid` included
  std::string home = "/";
  std::string shell = "/bin/sh";
};

/// `who` is `USER` or `USER:GROUP`, each a name or a number. The texts are those of passwd(5) and group(5); malformed
/// lines are skipped. Root and bare numbers need no entry. `not_found` for an unknown name, `invalid` for a malformed
/// one.
Result<User> find_user(std::string_view who, std::string_view passwd, std::string_view group);

/// The same with the files under `etc`. A file that is missing, unreadable or over limits::kUserFileBytes counts as
/// empty.
Result<User> load_user(std::string_view who, const std::string& etc = "/etc");

/// The same, but reads the files again only after a change, so that most commands start without reading them.
class Users {
 public:
  explicit Users(std::string etc = "/etc") : etc_(std::move(etc)) {}
  Result<User> find(const std::string& who);

 private:
  /// Attributes that change with a file's content: device, inode, size, and the times of its last changes.
  using Stamp = std::array<std::int64_t, 7>;
  Stamp stamp(const char* name) const;

  std::string etc_;
  Stamp passwd_{}, group_{};
  std::map<std::string, User> known_;  ///< valid while both files have their stamps
};

}  // namespace banger::roles::agent

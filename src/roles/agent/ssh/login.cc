#include "roles/agent/ssh/login.h"

#include <grp.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "base/text.h"
#include "host/files.h"
#include "roles/agent/bounds.h"

namespace banger::roles::agent::ssh {

namespace {

// As sshd's StrictModes wants it.
bool is_private(const std::string& path, const User& user) {
  struct stat info{};
  return ::stat(path.c_str(), &info) == 0 && (info.st_uid == 0 || info.st_uid == user.uid) && !(info.st_mode & 022);
}

}  // namespace

std::vector<AuthorizedKey> parse_authorized_keys(std::string_view text) {
  std::vector<AuthorizedKey> keys;
  for (auto line : split(text, '\n')) {
    line = trim(line);
    auto space = line.find(' ');
    if (line.starts_with('#') || space == line.npos) continue;
    AuthorizedKey key{.type = std::string(line.substr(0, space)), .base64 = {}};
    auto rest = trim(line.substr(space));
    key.base64 = rest.substr(0, rest.find(' '));
    if (key.type.find('\0') != key.type.npos || key.base64.find('\0') != key.base64.npos) continue;
    if (ssh_key_type_from_name(key.type.c_str()) != SSH_KEYTYPE_UNKNOWN) keys.push_back(std::move(key));
    if (keys.size() >= limits::kSshAuthorizedKeys) break;
  }
  return keys;
}

std::string read_authorized_keys(const User& user) {
  auto directory = user.home + "/.ssh", file = directory + "/authorized_keys";
  for (const auto& path : {user.home, directory, file})
    if (!is_private(path, user)) return "";
  return host::read_regular_file(file, limits::kSshAuthorizedBytes).value_or("");
}

bool has_key(const std::vector<AuthorizedKey>& keys, ssh_key offered) {
  return std::ranges::any_of(keys, [&](const AuthorizedKey& known) {
    ssh_key key = nullptr;
    auto type = ssh_key_type_from_name(known.type.c_str());
    if (ssh_pki_import_pubkey_base64(known.base64.c_str(), type, &key) != SSH_OK) return false;
    Owned<ssh_key> owned(key);
    return ssh_key_cmp(key, offered, SSH_KEY_CMP_PUBLIC) == 0;
  });
}

Result<> become(const User& user) {
  if (user.uid == ::geteuid()) return {};
  if (::setgroups(user.groups.size(), user.groups.data()) < 0 || ::setgid(user.gid) < 0 || ::setuid(user.uid) < 0)
    return fail_errno("become " + printable(user.name));
  return {};
}

}  // namespace banger::roles::agent::ssh

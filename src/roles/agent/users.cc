#include "roles/agent/users.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <charconv>
#include <optional>

#include "base/text.h"
#include "host/bounds.h"
#include "host/files.h"
#include "roles/agent/bounds.h"

namespace banger::roles::agent {

namespace {

// (uid_t)-1 means "unchanged" to the kernel and is no id.
std::optional<std::uint32_t> parse_id(std::string_view text) {
  std::uint32_t id = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), id);
  if (error != std::errc{} || end != text.data() + text.size() || id == UINT32_MAX) return std::nullopt;
  return id;
}

std::optional<User> passwd_entry(std::string_view passwd, auto&& wanted) {
  for (auto line : split(passwd, '\n')) {
    auto field = split(line, ':');
    if (field.size() < 4) continue;
    auto uid = parse_id(field[2]), gid = parse_id(field[3]);
    if (!uid || !gid || !wanted(field[0], *uid)) continue;
    // Lines that were written by hand often lack their last fields.
    auto last = [&](std::size_t index) { return std::string(index < field.size() ? trim(field[index]) : ""); };
    User user{std::string(field[0]), *uid, *gid, {}, last(5), last(6)};
    if (!user.home.starts_with('/')) user.home = "/";
    if (user.shell.empty()) user.shell = "/bin/sh";
    return user;
  }
  return std::nullopt;
}

std::optional<User> lookup_user(std::string_view name, std::string_view passwd) {
  if (auto user = passwd_entry(passwd, [&](std::string_view entry, uid_t) { return entry == name; })) return user;
  auto uid = name == "root" ? 0 : parse_id(name);
  if (!uid) return std::nullopt;
  if (auto user = passwd_entry(passwd, [&](std::string_view, uid_t entry) { return entry == *uid; })) return user;
  // As in container runtimes, an unknown number belongs to group 0.
  if (*uid == 0) return User{.name = "root", .home = "/root"};
  return User{.uid = *uid};
}

std::optional<gid_t> lookup_group(std::string_view name, std::string_view group) {
  for (auto line : split(group, '\n')) {
    auto field = split(line, ':');
    if (field.size() >= 3 && field[0] == name)
      if (auto gid = parse_id(field[2])) return gid;
  }
  return parse_id(name);
}

std::vector<gid_t> supplementary(const User& user, std::string_view group) {
  std::vector<gid_t> groups{user.gid};
  for (auto line : split(group, '\n')) {
    auto field = split(line, ':');
    if (user.name.empty() || field.size() < 4) continue;
    auto gid = parse_id(field[2]);
    auto members = split(trim(field[3]), ',');
    if (gid && std::ranges::find(members, user.name) != members.end()) groups.push_back(*gid);
    if (groups.size() == limits::kSupplementaryGroups) break;
  }
  std::ranges::sort(groups);
  groups.erase(std::ranges::unique(groups).begin(), groups.end());
  return groups;
}

// A file of the image may be anything, also a pipe that nobody writes to.
std::string text_of(const std::string& path) {
  auto file = host::open_file(path, O_RDONLY | O_NONBLOCK);
  return file ? host::read_all(file->get(), path, limits::kUserFileBytes).value_or("") : "";
}

}  // namespace

Result<User> find_user(std::string_view who, std::string_view passwd, std::string_view group) {
  auto colon = who.find(':');
  auto name = who.substr(0, colon);
  if (name.empty())
    return fail(ErrorCode::invalid, fmt::format("'{}' names no user", printable(who)),
                "write it as USER or USER:GROUP");
  auto user = lookup_user(name, passwd);
  if (!user) return fail(ErrorCode::not_found, fmt::format("there is no user '{}' in the guest", printable(name)));
  if (colon == who.npos || colon + 1 == who.size()) {
    user->groups = supplementary(*user, group);
    return *user;
  }
  // An explicit group replaces the user's own ones, as with `docker exec --user`.
  auto gid = lookup_group(who.substr(colon + 1), group);
  if (!gid)
    return fail(ErrorCode::not_found,
                fmt::format("there is no group '{}' in the guest", printable(who.substr(colon + 1))));
  user->gid = *gid;
  user->groups = {*gid};
  return *user;
}

Result<User> load_user(std::string_view who, const std::string& etc) {
  return find_user(who, text_of(etc + "/passwd"), text_of(etc + "/group"));
}

Users::Stamp Users::stamp(const char* name) const {
  struct stat info{};
  if (::stat((etc_ + name).c_str(), &info) < 0) return {};
  return {static_cast<std::int64_t>(info.st_dev),
          static_cast<std::int64_t>(info.st_ino),
          info.st_size,
          info.st_mtim.tv_sec,
          info.st_mtim.tv_nsec,
          info.st_ctim.tv_sec,
          info.st_ctim.tv_nsec};
}

Result<User> Users::find(const std::string& who) {
  // The stamps are taken before the files are read, so the next call sees a change in between.
  Stamp passwd = stamp("/passwd"), group = stamp("/group");
  if (passwd != passwd_ || group != group_ || known_.size() >= limits::kKnownUsers) known_.clear();
  passwd_ = passwd;
  group_ = group;
  if (auto found = known_.find(who); found != known_.end()) return found->second;
  auto user = TRY(load_user(who, etc_));
  known_[who] = user;
  return user;
}

}  // namespace banger::roles::agent

#include "guest/users.h"

#include <fmt/format.h>

#include <charconv>

#include "base/text.h"
#include "guest/bounds.h"
#include "guest/text_block.h"

namespace banger::guest {

namespace {

struct Account {
  uid_t uid = 0;
  gid_t gid = 0;
  std::string home = "/root";
};

bool parse_id(std::string_view text, std::uint32_t& id) {
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), id);
  return error == std::errc() && end == text.data() + text.size();
}

// A static binary has no NSS, so names are read from the image's own passwd(5).
Result<Account> find_account(const Root& root, const std::string& user) {
  auto passwd = root.read_file("/etc/passwd", limits::kPasswdBytes);
  for (std::string_view line : split(passwd ? std::string_view(*passwd) : "", '\n')) {
    auto fields = split(line, ':');
    if (fields.size() != 7 || fields[0] != user) continue;
    Account account{.home = std::string(fields[5])};
    if (parse_id(fields[2], account.uid) && parse_id(fields[3], account.gid) && account.home.starts_with('/'))
      return account;
  }
  if (user == "root") return Account{};
  return fail(ErrorCode::not_found, fmt::format("the guest has no user '{}'", user));
}

}  // namespace

Result<> apply_keys(const Root& root, const guestcfg::UserKeys& keys) {
  auto account = TRY(find_account(root, keys.user));
  std::string directory = account.home + "/.ssh", path = directory + "/authorized_keys";
  // sshd's StrictModes refuses keys in a directory that others may write.
  TRY(root.make_private_directory(directory, account.uid, account.gid));
  auto text = root.read_file(path, limits::kKeysFileBytes);
  if (!text && text.error().code != ErrorCode::not_found) return std::unexpected(std::move(text).error());
  std::string lines;
  for (const auto& key : keys.keys) lines += key + "\n";
  TRY(root.write_file({.path = path,
                       .mode = 0600,
                       .uid = account.uid,
                       .gid = account.gid,
                       .data = with_block(text.value_or(""), lines)}));
  return {};
}

}  // namespace banger::guest

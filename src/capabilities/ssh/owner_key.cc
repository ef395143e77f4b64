#include "capabilities/ssh/owner_key.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include "base/text.h"
#include "capabilities/bounds.h"
#include "host/files.h"
#include "host/ssh_key.h"
#include "host/ssh_public_key.h"

namespace banger::capabilities {

namespace {

std::string home_path(const host::Paths& paths, const std::string& path) {
  return path.starts_with("~/") ? paths.home + path.substr(1) : path;
}

/// The file beside the private key, which may be missing.
Result<std::string> public_half_of(const std::string& path) {
  auto beside = host::read_regular_file(path + ".pub", limits::kSshKeyFileBytes);
  if (beside) return in(path + ".pub", host::read_public_key(*beside));
  if (beside.error().code != ErrorCode::not_found) return std::unexpected(std::move(beside.error()));
  auto text = TRY(host::read_regular_file(path, limits::kSshKeyFileBytes));
  auto half = host::public_half(text);
  if (!half)
    return std::unexpected(
        std::move(half.error()).in(path).with_hint(fmt::format("ssh-keygen -y -f {0} > {0}.pub", shell_quote(path))));
  return half;
}

Result<OwnerKey> key_of_config(const host::Paths& paths, const config::Config& config) {
  auto path = home_path(paths, config.ssh_key_path);
  // ssh itself reads the private half, which may also be in an agent or on a token. So it may be unreadable here.
  auto half = public_half_of(path);
  if (!half)
    return std::unexpected(
        std::move(half.error()).in("ssh_key_path").with_hint("correct ssh_key_path in the config, or remove it"));
  return OwnerKey{std::move(path), std::move(*half)};
}

/// Writes a new key under a name that no other process uses, and then gives the key its name. link(2) does that only
/// for the first.
Result<> make_own(const std::string& path) {
  auto key = TRY(host::make_ssh_key("banger"));
  auto fresh = fmt::format("{}.{}.new", path, host::random_id());
  auto file = TRY(host::open_file(fresh, O_WRONLY | O_CREAT | O_EXCL, 0600));
  auto written = in(fresh, host::write_all(file.get(), key.private_key));
  if (written && ::fsync(file.get()) < 0) written = fail_errno(fresh);
  if (written && ::link(fresh.c_str(), path.c_str()) < 0 && errno != EEXIST) written = fail_errno(path);
  ::unlink(fresh.c_str());
  return written;
}

Result<OwnerKey> own_key(const host::Paths& paths) {
  auto path = paths.ssh() + "/id_ed25519";
  if (::access(path.c_str(), F_OK) < 0) {
    TRY(host::make_private_directory(paths.state));
    TRY(host::make_private_directory(paths.ssh()));
    TRY(make_own(path));
  }
  auto half = host::public_half(TRY(host::read_regular_file(path, limits::kSshKeyFileBytes)));
  if (!half)
    return std::unexpected(std::move(half.error()).in(path).with_hint("move it away; banger then makes another key"));
  // For people only, and derived from the private half. So it is written again whenever it is missing.
  if (auto beside = path + ".pub"; ::access(beside.c_str(), F_OK) < 0)
    TRY(host::write_file(beside, *half + " banger\n", 0644));
  return OwnerKey{std::move(path), std::move(*half)};
}

}  // namespace

Result<OwnerKey> owner_key(const host::Paths& paths, const config::Config& config) {
  if (!config.ssh_key_path.empty()) return key_of_config(paths, config);
  return in("banger's SSH key", own_key(paths));
}

}  // namespace banger::capabilities

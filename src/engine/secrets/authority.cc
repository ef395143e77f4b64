#include "engine/secrets/authority.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <set>

#include "engine/bounds.h"
#include "host/files.h"
#include "host/passwd.h"

namespace banger::engine {

namespace {

// Guests know the authority by its name and key, so both are in one file. Readers of PEM skip the first line.
std::string text_of(const certs::Authority& authority) {
  return fmt::format("{}\n{}", authority.subject, authority.key_pem);
}

Result<certs::Authority> authority_in(const std::string& text) {
  auto end = text.find('\n');
  certs::Authority authority{.key_pem = end == text.npos ? "" : text.substr(end + 1), .subject = text.substr(0, end)};
  if (authority.subject.empty() || !authority.key_pem.starts_with("-----BEGIN"))
    return fail(ErrorCode::corrupt, "it has no key", "move it away; banger then makes another key");
  return authority;
}

/// Writes a new key under a name that no other process uses, and then gives the key its name. link(2) does that only
/// for the first.
Result<> make(const std::string& path, const std::string& label) {
  auto text = text_of({.key_pem = TRY(certs::make_key()), .subject = label});
  auto fresh = fmt::format("{}.{}.new", path, host::random_id());
  auto file = TRY(host::open_file(fresh, O_WRONLY | O_CREAT | O_EXCL, 0600));
  auto written = in(fresh, host::write_all(file.get(), text));
  if (written && ::fsync(file.get()) < 0) written = fail_errno(fresh);
  if (written && ::link(fresh.c_str(), path.c_str()) < 0 && errno != EEXIST) written = fail_errno(path);
  ::unlink(fresh.c_str());
  return written;
}

/// "*.example.org:8443" means names below example.org for a certificate.
std::vector<std::string> names_of(const std::vector<vm::Secret>& secrets) {
  std::set<std::string> names;
  for (const auto& secret : secrets)
    for (const auto& host : secret.hosts) names.insert(host.substr(0, host.find(':')));
  return {names.begin(), names.end()};
}

}  // namespace

Result<certs::Authority> OwnerAuthority::get() {
  if (authority_) return *authority_;
  auto path = directory_ + "/authority.key";
  if (::access(path.c_str(), F_OK) < 0) {
    TRY(host::make_private_directory(directory_));
    TRY(in("the key of banger's certificates", make(path, label_)));
  }
  auto text = TRY(host::read_regular_file(path, limits::kAuthorityFileBytes));
  authority_ = TRY(in(path, authority_in(text)));
  return *authority_;
}

Result<std::string> OwnerAuthority::root_for(const std::vector<vm::Secret>& secrets) {
  auto names = names_of(secrets);
  if (auto known = roots_.find(names); known != roots_.end()) return known->second;
  auto root = TRY(certs::make_root(TRY(get()), names));
  if (roots_.size() >= limits::kRootCertificates) roots_.clear();
  roots_.emplace(std::move(names), root);
  return root;
}

std::string authority_label() {
  utsname host{};
  ::uname(&host);
  auto user = host::find_user(::geteuid());
  return fmt::format("banger of {}@{}", user ? user->name : fmt::to_string(::geteuid()), host.nodename);
}

}  // namespace banger::engine

#include "guest/trust_store.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <vector>

#include "guest/bounds.h"
#include "guest/text_block.h"
#include "guestcfg/checks.h"

namespace banger::guest {

namespace {

// The lists that OpenSSL, GnuTLS, Go, curl and others read. Most guests have one, and links to it.
constexpr const char* kLists[] = {kAuthoritiesPath,
                                  "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
                                  "/etc/pki/tls/certs/ca-bundle.crt",
                                  "/etc/ca-certificates/extracted/tls-ca-bundle.pem",
                                  "/etc/ssl/ca-bundle.pem",
                                  "/etc/ssl/cert.pem"};
constexpr const char* kVariables[] = {"SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "NIX_SSL_CERT_FILE"};

// Where a distribution keeps the authorities of its owner, if the directory in front is there.
struct Anchor {
  const char* directory;
  const char* file;
};
constexpr Anchor kAnchors[] = {
    {"/", kAuthorityPath},
    {"/etc/pki/ca-trust/source/anchors", "/etc/pki/ca-trust/source/anchors/banger.pem"},
    {"/etc/ca-certificates/trust-source/anchors", "/etc/ca-certificates/trust-source/anchors/banger.pem"},
    {"/etc/pki/trust/anchors", "/etc/pki/trust/anchors/banger.pem"}};

/// Where the path leads when its last part is a symlink; empty for too many of them.
std::string resolved(const Root& root, std::string path) {
  for (int links = 0; links < limits::kTrustLinks; ++links) {
    auto target = root.link_target(path);
    if (target.empty()) return path;
    path = target.starts_with('/') ? target : split_path(path).first + "/" + target;
  }
  return "";
}

/// The file to which the path leads, without its content. Nothing for a path that leads to no plain file.
std::optional<guestcfg::File> plain_file(const Root& root, const std::string& list) {
  auto path = resolved(root, list);
  if (path.empty()) return std::nullopt;
  auto fd = root.open_path(path, O_PATH | O_NOFOLLOW);
  struct stat info{};
  if (!fd || ::fstat(fd->get(), &info) < 0 || !S_ISREG(info.st_mode)) return std::nullopt;
  return guestcfg::File{.path = path, .mode = info.st_mode & 0777, .uid = info.st_uid, .gid = info.st_gid, .data = {}};
}

// A tool of the distribution may have made the list from the directories below, with the certificate in it.
Result<> update_list(const Root& root, const std::string& list, const std::string& certificate) {
  auto file = plain_file(root, list);
  if (!file) return {};
  auto text = root.read_file(file->path, limits::kTrustListBytes);
  if (!text) return {};
  file->data = with_block(*text, "");
  if (!certificate.empty() && !file->data.contains(certificate)) file->data = with_block(*text, certificate);
  if (file->data == *text) return {};
  TRY(root.write_file(*file));
  return {};
}

// The variables of a guest are the same whatever distribution it has, so the path is too.
Result<> make_list(const Root& root, const std::string& certificate) {
  if (plain_file(root, kAuthoritiesPath)) return {};
  for (const auto* list : kLists) {
    if (!plain_file(root, list)) continue;
    TRY(root.write_symlink(list, kAuthoritiesPath));
    return {};
  }
  TRY(root.write_file({.path = kAuthoritiesPath, .data = with_block("", certificate)}));
  return {};
}

std::vector<std::string> lists_of(const std::map<std::string, std::string>& environment) {
  std::vector<std::string> lists(std::begin(kLists), std::end(kLists));
  for (const auto* variable : kVariables)
    if (auto found = environment.find(variable);
        found != environment.end() && guestcfg::check_absolute_path(found->second))
      lists.push_back(found->second);
  return lists;
}

Result<> write_anchors(const Root& root, const std::string& certificate) {
  for (const auto& anchor : kAnchors) {
    if (certificate.empty())
      TRY(root.remove_file(anchor.file));
    else if (root.exists(anchor.directory))
      TRY(root.write_file({.path = anchor.file, .data = certificate}));
  }
  return {};
}

}  // namespace

Result<> set_authority(const Root& root, const std::string& certificate,
                       const std::map<std::string, std::string>& environment) {
  // A guest that never had one costs no more than this look.
  if (certificate.empty() && !root.exists(kAuthorityPath)) return {};
  // The file says that there is something to remove, so it comes first and goes last.
  if (!certificate.empty()) TRY(write_anchors(root, certificate));
  for (const auto& list : lists_of(environment)) TRY(update_list(root, list, certificate));
  return certificate.empty() ? write_anchors(root, "") : make_list(root, certificate);
}

}  // namespace banger::guest

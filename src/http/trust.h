// Which certificates a server may have, and which certificate this client shows. Files only; TLS itself is in tls.h.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "http/proxy.h"

namespace banger::http {

/// Where certificates are. A path that does not exist is skipped.
struct TrustPaths {
  std::vector<std::string> bundles;  ///< PEM files with many CAs; the first one that exists is read
  std::string directory;             ///< a directory of CAs with hashed names (openssl-rehash(1)); may be empty
  /// Directories with a subdirectory HOST:PORT or HOST for each server (containers-certs.d(5)). There, *.crt are
  /// further CAs, and NAME.cert beside NAME.key is the client's own certificate.
  std::vector<std::string> host_directories;
  /// Servers that may have any certificate, as HOST or HOST:PORT. Their owner trusts the network to them.
  std::vector<std::string> any_certificate = {};
};

/// Files with a list of CAs: that of SSL_CERT_FILE, or those that hosts have. The first one that exists counts.
std::vector<std::string> authority_lists(const Environment& environment);

/// The host's CAs, or those of SSL_CERT_FILE and SSL_CERT_DIR. A directory with the whole list is preferred to bundles.
/// `home` is the user's home directory; may be empty.
TrustPaths default_trust(const Environment& environment, const std::string& home);

/// The files for one server.
struct HostTrust {
  std::vector<std::string> authorities;        ///< paths of further CAs, PEM
  bool any_certificate = false;                ///< the server's certificate is not checked
  std::string certificate, key;                ///< paths of the client's certificate and key, PEM; both may be empty
  std::optional<std::string> first_directory;  ///< where a user may put the server's CA; for hints
};

/// Looks through the directories of `paths`. A directory without a port counts for every port of its host.
/// `invalid` when a certificate has no key beside it, or a key no certificate.
Result<HostTrust> trust_of(const TrustPaths& paths, const std::string& host, std::uint16_t port);

}  // namespace banger::http

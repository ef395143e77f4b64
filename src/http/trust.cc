#include "http/trust.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "http/bounds.h"

namespace banger::http {

namespace {

namespace fs = std::filesystem;

/// Names of the files of a directory with this extension, sorted; none when the directory cannot be read.
std::vector<std::string> files_of(const std::string& directory, std::string_view extension) {
  std::vector<std::string> found;
  std::error_code error;
  for (fs::directory_iterator it(directory, error), end; !error && it != end; it.increment(error))
    if (it->path().extension() == extension && found.size() < limits::kTrustFiles) found.push_back(it->path().string());
  std::ranges::sort(found);
  return found;
}

std::string with_extension(const std::string& path, std::string_view extension) {
  return fs::path(path).replace_extension(extension).string();
}

bool exists(const std::string& path) {
  std::error_code error;
  return fs::exists(path, error);
}

Result<> add_client_certificate(const std::string& directory, HostTrust& trust) {
  for (const auto& certificate : files_of(directory, ".cert")) {
    auto key = with_extension(certificate, ".key");
    if (!exists(key))
      return fail(ErrorCode::invalid, fmt::format("{} has no key beside it", certificate),
                  fmt::format("put the key into {}", key));
    if (trust.certificate.empty()) trust.certificate = certificate, trust.key = key;
  }
  for (const auto& key : files_of(directory, ".key"))
    if (!exists(with_extension(key, ".cert")))
      return fail(ErrorCode::invalid, fmt::format("{} has no certificate beside it", key),
                  fmt::format("put the certificate into {}", with_extension(key, ".cert")));
  return {};
}

/// Whether the directory has the hashed names of a host's whole list of CAs.
bool is_hashed(const std::string& directory) {
  std::size_t hashed = 0;
  std::error_code error;
  for (fs::directory_iterator it(directory, error), end; !error && it != end; it.increment(error)) {
    auto name = it->path().filename().string();
    bool hex = name.size() == 10 && name.find_first_not_of("0123456789abcdef") == 8 && name[8] == '.';
    if (hex && ++hashed == limits::kHostAuthorities) return true;
  }
  return false;
}

std::string value_or_empty(const Environment& environment, const char* name) { return environment(name).value_or(""); }

}  // namespace

std::vector<std::string> authority_lists(const Environment& environment) {
  if (auto file = value_or_empty(environment, "SSL_CERT_FILE"); !file.empty()) return {file};
  return {"/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem"};
}

TrustPaths default_trust(const Environment& environment, const std::string& home) {
  TrustPaths paths{.bundles = authority_lists(environment),
                   .directory = "/etc/ssl/certs",
                   .host_directories = {"/etc/containers/certs.d", "/etc/docker/certs.d"}};
  auto file = value_or_empty(environment, "SSL_CERT_FILE"), directory = value_or_empty(environment, "SSL_CERT_DIR");
  // As in OpenSSL, either variable replaces only its own default.
  if (!directory.empty()) paths.directory = directory;
  if (!file.empty() && directory.empty()) paths.directory.clear();
  // Reading a bundle takes some 20 ms in each connection. A hashed directory has the same CAs, and needs no such time.
  if (file.empty() && is_hashed(paths.directory)) paths.bundles.clear();
  if (!home.empty())
    paths.host_directories.insert(paths.host_directories.begin(), home + "/.config/containers/certs.d");
  return paths;
}

Result<HostTrust> trust_of(const TrustPaths& paths, const std::string& host, std::uint16_t port) {
  HostTrust trust;
  auto name = host.find(':') == host.npos ? host : "[" + host + "]";
  for (const auto& base : paths.host_directories) {
    for (const auto& directory : {fmt::format("{}/{}:{}", base, name, port), base + "/" + name}) {
      auto authorities = files_of(directory, ".crt");
      trust.authorities.insert(trust.authorities.end(), authorities.begin(), authorities.end());
      TRY(add_client_certificate(directory, trust));
    }
  }
  trust.any_certificate = std::ranges::any_of(paths.any_certificate, [&](const auto& listed) {
    return listed == name || listed == host || listed == fmt::format("{}:{}", name, port);
  });
  if (!paths.host_directories.empty())
    trust.first_directory = fmt::format("{}/{}:{}", paths.host_directories.front(), name, port);
  return trust;
}

}  // namespace banger::http

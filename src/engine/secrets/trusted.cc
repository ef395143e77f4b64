#include "engine/secrets/trusted.h"

#include <fmt/format.h>

#include "engine/bounds.h"
#include "host/files.h"

namespace banger::engine {

std::string certificates_in(std::string_view text) {
  constexpr std::string_view kBegin = "-----BEGIN CERTIFICATE-----", kEnd = "-----END CERTIFICATE-----";
  std::string found;
  for (auto at = text.find(kBegin); at != text.npos; at = text.find(kBegin, at)) {
    auto end = text.find(kEnd, at);
    if (end == text.npos) break;
    found.append(text.substr(at, end + kEnd.size() - at)) += '\n';
    at = end;
  }
  return found;
}

Result<std::string> trusted_authorities(const http::Environment& environment) {
  for (const auto& path : http::authority_lists(environment)) {
    auto text = host::read_regular_file(path, limits::kTrustedBytes);
    if (!text && text.error().code == ErrorCode::not_found) continue;
    if (!text) return std::unexpected(std::move(text.error()));
    auto found = certificates_in(*text);
    if (!found.empty()) return found;
    return fail(ErrorCode::invalid, fmt::format("{} has no certificates", path), "name another file in SSL_CERT_FILE");
  }
  return fail(ErrorCode::not_found, "this host has no list of certificate authorities",
              "apt install ca-certificates, or name a file in SSL_CERT_FILE");
}

}  // namespace banger::engine

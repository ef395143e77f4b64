#include "roles/agent/address.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <strings.h>

#include <algorithm>
#include <charconv>

#include "base/text.h"

namespace banger::roles::agent {

namespace {

bool is_numeric(const std::string& host) {
  unsigned char bytes[16];
  return ::inet_pton(AF_INET, host.c_str(), bytes) == 1 || ::inet_pton(AF_INET6, host.c_str(), bytes) == 1;
}

bool same_name(std::string_view a, std::string_view b) {
  return a.size() == b.size() && ::strncasecmp(a.data(), b.data(), a.size()) == 0;
}

std::vector<std::string> words_of(std::string_view line) {
  std::string text(line.substr(0, line.find('#')));
  std::ranges::replace(text, '\t', ' ');
  std::vector<std::string> words;
  for (auto word : split(text, ' '))
    if (auto bare = trim(word); !bare.empty()) words.emplace_back(bare);
  return words;
}

}  // namespace

Result<Authority> parse_authority(std::string_view text) {
  auto bad = [&] {
    return fail(ErrorCode::invalid, fmt::format("'{}' is not an address and a port", printable(text)),
                "write it like 127.0.0.1:80");
  };
  auto colon = text.rfind(':');
  if (colon == text.npos || colon == 0) return bad();
  auto host = text.substr(0, colon), digits = text.substr(colon + 1);
  Authority authority;
  auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), authority.port);
  if (error != std::errc{} || end != digits.data() + digits.size() || authority.port == 0) return bad();
  if (host.starts_with('[') && host.ends_with(']'))
    host = host.substr(1, host.size() - 2);
  else if (host.find(':') != host.npos)
    return bad();
  if (host.empty() || host.size() > 253 || host.find('\0') != host.npos) return bad();
  authority.host = host;
  return authority;
}

Result<std::vector<std::string>> addresses_of(std::string_view host, std::string_view hosts_file) {
  if (is_numeric(std::string(host))) return std::vector{std::string(host)};
  std::vector<std::string> addresses;
  if (same_name(host, "localhost")) return std::vector<std::string>{"127.0.0.1", "::1"};
  for (auto line : split(hosts_file, '\n')) {
    auto words = words_of(line);
    if (words.empty() || !is_numeric(words[0])) continue;
    bool named =
        std::any_of(words.begin() + 1, words.end(), [&](const std::string& name) { return same_name(name, host); });
    if (named) addresses.push_back(words[0]);
  }
  if (addresses.empty())
    return fail(ErrorCode::not_found, fmt::format("the guest agent cannot resolve '{}'", printable(host)),
                "use a numeric address, localhost, or a name in the guest's /etc/hosts");
  return addresses;
}

}  // namespace banger::roles::agent

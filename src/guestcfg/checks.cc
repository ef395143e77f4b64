#include "guestcfg/checks.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <string>

#include "base/bounds.h"
#include "base/text.h"
#include "guestcfg/bounds.h"

namespace banger::guestcfg {

namespace {

constexpr std::string_view kLower = "abcdefghijklmnopqrstuvwxyz";
constexpr std::string_view kUpper = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
constexpr std::string_view kDigits = "0123456789";

bool any_of(char c, std::initializer_list<std::string_view> sets) {
  return std::any_of(sets.begin(), sets.end(), [c](std::string_view set) { return set.find(c) != set.npos; });
}

std::unexpected<Error> bad(std::string_view value, std::string_view what) {
  return fail(ErrorCode::invalid, fmt::format("'{}' is not {}", printable(value, 80), what));
}

bool is_label(std::string_view label) {
  return !label.empty() && label.size() <= 63 && label.front() != '-' && label.back() != '-' &&
         std::all_of(label.begin(), label.end(), [](char c) { return any_of(c, {kLower, kUpper, kDigits, "-_"}); });
}

bool is_address(int family, std::string_view text) {
  unsigned char bytes[sizeof(in6_addr)];
  // inet_pton reads a C string: a NUL inside would hide the rest.
  return text.find('\0') == text.npos && ::inet_pton(family, std::string(text).c_str(), bytes) == 1;
}

}  // namespace

Result<> check_host_name(std::string_view name) {
  auto labels = split(name, '.');
  if (name.size() > 64 || !std::all_of(labels.begin(), labels.end(), is_label)) return bad(name, "a host name");
  return {};
}

Result<> check_absolute_path(std::string_view path) {
  if (!path.starts_with('/')) return bad(path, "an absolute path");
  if (path.size() >= limits::kPathBytes) return bad(path, "a path below 4096 bytes");
  for (unsigned char c : path)
    if (c < 0x20 || c == 0x7f) return bad(path, "a path without control bytes");
  for (std::string_view part : split(path, '/'))
    if (part == "." || part == "..") return bad(path, "a path without '.' and '..' parts");
  return {};
}

Result<> check_ip(std::string_view address) {
  if (!is_address(AF_INET, address) && !is_address(AF_INET6, address)) return bad(address, "an IP address");
  return {};
}

Result<> check_cidr(std::string_view cidr) {
  auto slash = cidr.find('/');
  unsigned length = 0;
  if (slash == cidr.npos || !is_address(AF_INET, cidr.substr(0, slash)))
    return bad(cidr, "an IPv4 address with a prefix length");
  std::string_view digits = cidr.substr(slash + 1);
  auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), length);
  if (error != std::errc() || end != digits.data() + digits.size() || length < 1 || length > 32)
    return bad(cidr, "an IPv4 address with a prefix length");
  return {};
}

Result<> check_mac(std::string_view mac) {
  bool shape = mac.size() == 17;
  for (std::size_t i = 0; shape && i < mac.size(); ++i)
    shape = i % 3 == 2 ? mac[i] == ':' : any_of(mac[i], {kDigits, "abcdef"});
  if (!shape) return bad(mac, "a MAC address");
  if (any_of(mac[1], {"13579bdf"})) return bad(mac, "a unicast MAC address");
  return {};
}

Result<> check_user_name(std::string_view user) {
  bool good = !user.empty() && user.size() <= 32 && any_of(user.front(), {kLower, "_"}) &&
              std::all_of(user.begin(), user.end(), [](char c) { return any_of(c, {kLower, kDigits, "_-."}); });
  if (!good) return bad(user, "a user name");
  return {};
}

Result<> check_unit_name(std::string_view name) {
  static constexpr std::string_view kSuffixes[] = {".service",   ".socket", ".timer",  ".target", ".mount",
                                                   ".automount", ".path",   ".device", ".swap",   ".slice"};
  bool good =
      !name.empty() && name.size() <= 255 && name.front() != '.' &&
      std::all_of(name.begin(), name.end(), [](char c) { return any_of(c, {kLower, kUpper, kDigits, ":-_.\\@"}); }) &&
      std::any_of(std::begin(kSuffixes), std::end(kSuffixes),
                  [&](std::string_view suffix) { return name.ends_with(suffix) && name.size() > suffix.size(); });
  if (!good) return bad(name, "a systemd unit name");
  return {};
}

Result<> check_hex(std::string_view text, std::size_t digits) {
  bool good = text.size() == digits &&
              std::all_of(text.begin(), text.end(), [](char c) { return any_of(c, {kDigits, "abcdef"}); });
  // The value may be a secret: it is not quoted.
  if (!good) return fail(ErrorCode::invalid, fmt::format("must be {} lower-case hex digits", digits));
  return {};
}

// Whatever else is in the text would become part of the guest's list of authorities.
Result<> check_certificate(std::string_view pem) {
  constexpr std::string_view kBegin = "-----BEGIN CERTIFICATE-----\n", kEnd = "-----END CERTIFICATE-----\n";
  bool good = pem.size() <= limits::kCertificateBytes && pem.size() > kBegin.size() + kEnd.size() &&
              pem.starts_with(kBegin) && pem.ends_with(kEnd);
  if (good) {
    auto body = pem.substr(kBegin.size(), pem.size() - kBegin.size() - kEnd.size());
    good = body.ends_with('\n') &&
           std::all_of(body.begin(), body.end(), [](char c) { return any_of(c, {kLower, kUpper, kDigits, "+/=\n"}); });
  }
  if (!good) return fail(ErrorCode::invalid, "must be one certificate as PEM");
  return {};
}

Result<> check_one_line(std::string_view text) {
  if (text.find_first_of(std::string_view("\n\r\0", 3)) != text.npos) return bad(text, "a single line");
  return {};
}

}  // namespace banger::guestcfg

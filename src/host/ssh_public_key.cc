#include "host/ssh_public_key.h"

#include <fmt/format.h>

#include <cstdint>
#include <optional>

#include "base/base64.h"
#include "base/text.h"

namespace banger::host {

namespace {

constexpr std::string_view kBegin = "-----BEGIN OPENSSH PRIVATE KEY-----";
constexpr std::string_view kEnd = "-----END OPENSSH PRIVATE KEY-----";
constexpr std::string_view kMagic("openssh-key-v1\0", 15);
constexpr std::uint32_t kOneKey = 1;  // OpenSSH writes no file with more

std::optional<std::uint32_t> take_number(std::string_view& bytes) {
  if (bytes.size() < 4) return std::nullopt;
  std::uint32_t number = 0;
  for (char byte : bytes.substr(0, 4)) number = number << 8 | static_cast<unsigned char>(byte);
  bytes.remove_prefix(4);
  return number;
}

/// A string in the format of RFC 4251: its length, then its bytes.
std::optional<std::string_view> take_string(std::string_view& bytes) {
  auto size = take_number(bytes);
  if (!size || *size > bytes.size()) return std::nullopt;
  auto text = bytes.substr(0, *size);
  bytes.remove_prefix(*size);
  return text;
}

/// Types of keys are words such as "ssh-ed25519" and "sk-ecdsa-sha2-nistp256@openssh.com".
bool is_type(std::string_view text) {
  return !text.empty() && text.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-@.") == text.npos;
}

std::unexpected<Error> no_openssh_key() {
  return fail(ErrorCode::invalid, "the file is no private key in OpenSSH's own format");
}

}  // namespace

Result<std::string> public_half(std::string_view private_key) {
  auto begin = private_key.find(kBegin), end = private_key.find(kEnd);
  if (begin == private_key.npos || end == private_key.npos || end < begin) return no_openssh_key();
  std::string text;
  for (char c : private_key.substr(begin + kBegin.size(), end - begin - kBegin.size()))
    if (c != '\n' && c != '\r') text.push_back(c);
  auto decoded = from_base64(text);
  if (!decoded || !decoded->starts_with(kMagic)) return no_openssh_key();
  auto rest = std::string_view(*decoded).substr(kMagic.size());
  auto cipher = take_string(rest), derivation = take_string(rest), options = take_string(rest);
  if (!cipher || !derivation || !options || take_number(rest) != kOneKey) return no_openssh_key();
  auto blob = take_string(rest);
  if (!blob) return no_openssh_key();
  auto inside = *blob;
  auto type = take_string(inside);
  if (!type || !is_type(*type)) return no_openssh_key();
  return fmt::format("{} {}", *type, to_base64(*blob));
}

Result<std::string> read_public_key(std::string_view text) {
  std::string key;
  for (auto line : split(text, '\n')) {
    line = trim(line);
    if (line.empty() || line.starts_with('#')) continue;
    if (!key.empty()) return fail(ErrorCode::invalid, "the file has more than one public key");
    auto words = split(line, ' ');
    auto blob = words.size() < 2 ? Result<std::string>() : from_base64(words[1]);
    std::string_view inside = blob ? *blob : std::string_view();
    // The type is inside the key once more. A word before the key, such as an option, has another text.
    auto type = take_string(inside);
    if (!type || *type != words[0] || !is_type(*type))
      return fail(ErrorCode::invalid, "the file is no public key of SSH");
    key = fmt::format("{} {}", words[0], words[1]);
  }
  if (key.empty()) return fail(ErrorCode::invalid, "the file has no public key");
  return key;
}

}  // namespace banger::host

#include "host/ssh_key.h"

#include <fmt/format.h>
#include <openssl/evp.h>

#include <array>
#include <cstdint>
#include <memory>

#include "host/files.h"

namespace banger::host {

namespace {

constexpr std::string_view kType = "ssh-ed25519";
constexpr std::size_t kKeyBytes = 32;         // size of the seed and of the public key (RFC 8032)
constexpr std::size_t kCipherBlockBytes = 8;  // block size of the cipher "none"
constexpr std::size_t kLineBytes = 70;

struct FreeKey {
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
};

void put_number(std::string& to, std::uint32_t number) {
  for (int shift = 24; shift >= 0; shift -= 8) to.push_back(static_cast<char>(number >> shift));
}

/// Appends a string in the format of RFC 4251: its length, then its bytes.
void put(std::string& to, std::string_view bytes) {
  put_number(to, static_cast<std::uint32_t>(bytes.size()));
  to += bytes;
}

std::string base64(std::string_view bytes) {
  std::string text((bytes.size() + 2) / 3 * 4 + 1, '\0');
  int length = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()),
                               reinterpret_cast<const unsigned char*>(bytes.data()), static_cast<int>(bytes.size()));
  text.resize(static_cast<std::size_t>(length));
  return text;
}

struct RawKey {
  std::string seed, point;
};

Result<RawKey> generate() {
  RawKey raw{random_bytes(kKeyBytes), std::string(kKeyBytes, '\0')};
  auto* seed = reinterpret_cast<const unsigned char*>(raw.seed.data());
  std::unique_ptr<EVP_PKEY, FreeKey> key(EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, nullptr, seed, kKeyBytes));
  std::size_t length = kKeyBytes;
  if (!key ||
      EVP_PKEY_get_raw_public_key(key.get(), reinterpret_cast<unsigned char*>(raw.point.data()), &length) != 1 ||
      length != kKeyBytes)
    return fail(ErrorCode::internal, "OpenSSL cannot make an ed25519 key");
  return raw;
}

std::string private_part(const RawKey& raw, std::string_view comment) {
  std::string part = random_bytes(4);
  part += part;  // the same number twice: a reader checks by it that decryption worked
  put(part, kType);
  put(part, raw.point);
  put(part, raw.seed + raw.point);
  put(part, comment);
  for (char byte = 1; part.size() % kCipherBlockBytes != 0; ++byte) part.push_back(byte);
  return part;
}

std::string armoured(std::string_view bytes) {
  std::string text = base64(bytes), lines = "-----BEGIN OPENSSH PRIVATE KEY-----\n";
  for (std::size_t at = 0; at < text.size(); at += kLineBytes) lines += text.substr(at, kLineBytes) + "\n";
  return lines + "-----END OPENSSH PRIVATE KEY-----\n";
}

}  // namespace

Result<SshKey> make_ssh_key(std::string_view comment) {
  auto raw = TRY(generate());
  std::string point;
  put(point, kType);
  put(point, raw.point);
  std::string file("openssh-key-v1\0", 15);
  put(file, "none");  // cipher
  put(file, "none");  // key derivation
  put(file, "");      // its options
  put_number(file, 1);
  put(file, point);
  put(file, private_part(raw, comment));
  return SshKey{armoured(file), fmt::format("{} {} {}\n", kType, base64(point), comment)};
}

}  // namespace banger::host

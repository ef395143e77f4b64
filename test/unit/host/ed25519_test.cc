// The second test vector of RFC 8032, section 7.1.
#include "host/ed25519.h"

#include "base/text.h"
#include "catch.h"

using namespace banger;

namespace {
const std::string kKey = from_hex("3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c").value();
const std::string kSignature = from_hex(
                                   "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
                                   "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00")
                                   .value();
}  // namespace

TEST_CASE("ed25519: takes the signature of the RFC, and refuses every altered part of it") {
  CHECK(host::is_signed_by(kKey, "r", kSignature));
  CHECK_FALSE(host::is_signed_by(kKey, "s", kSignature));
  for (std::size_t i = 0; i < kSignature.size(); ++i) {
    auto altered = kSignature;
    altered[i] ^= 1;
    CHECK_FALSE(host::is_signed_by(kKey, "r", altered));
  }
  auto other = kKey;
  other[0] ^= 1;
  CHECK_FALSE(host::is_signed_by(other, "r", kSignature));
}

TEST_CASE("ed25519: refuses keys and signatures of another length") {
  CHECK_FALSE(host::is_signed_by(kKey.substr(1), "r", kSignature));
  CHECK_FALSE(host::is_signed_by(kKey, "r", kSignature.substr(1)));
  CHECK_FALSE(host::is_signed_by("", "", ""));
}

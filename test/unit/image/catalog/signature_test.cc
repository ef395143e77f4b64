// The key and the signature are the second test vector of RFC 8032, section 7.1.
#include "image/catalog/signature.h"

#include "base/base64.h"
#include "base/text.h"
#include "catch.h"

using namespace banger;
using namespace banger::image::catalog;

namespace {
const std::string kKey = from_hex("3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c").value();
const std::string kSignature = from_hex(
                                   "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
                                   "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00")
                                   .value();
}  // namespace

TEST_CASE("signature: a public key is base64 of its bytes or of its DER form") {
  CHECK(parse_public_key(to_base64(kKey)) == kKey);
  auto der = from_hex("302a300506032b6570032100").value() + kKey;
  CHECK(parse_public_key(to_base64(der) + "\n") == kKey);
  for (const auto& wrong : {std::string(), to_base64(kKey.substr(1)), to_base64(kKey + "x"), std::string("no base64")})
    CHECK(parse_public_key(wrong).error().code == ErrorCode::invalid);
}

TEST_CASE("signature: refuses a catalog that is unsigned, altered or signed by somebody else") {
  CHECK(check_signature(kKey, "r", kSignature));
  auto denied = [](const Result<>& checked, std::string_view why) {
    REQUIRE(!checked);
    CHECK(checked.error().code == ErrorCode::denied);
    CHECK(checked.error().message.find(why) != std::string::npos);
  };
  denied(check_signature(kKey, "r", std::nullopt), "is not signed");
  denied(check_signature(kKey, "altered", kSignature), "does not match its signature");
  denied(check_signature(std::string(32, 'k'), "r", kSignature), "does not match its signature");
  denied(check_signature(kKey, "r", kSignature + "\n"), "has not the 64 bytes");
}

#include "base/base64.h"

#include "catch.h"

using namespace banger;

TEST_CASE("base64: gives the vectors of RFC 4648 in both directions") {
  const std::pair<std::string_view, std::string_view> vectors[] = {{"", ""},
                                                                   {"f", "Zg=="},
                                                                   {"fo", "Zm8="},
                                                                   {"foo", "Zm9v"},
                                                                   {"foob", "Zm9vYg=="},
                                                                   {"fooba", "Zm9vYmE="},
                                                                   {"foobar", "Zm9vYmFy"}};
  for (auto [plain, encoded] : vectors) {
    CHECK(to_base64(plain) == encoded);
    CHECK(from_base64(encoded) == std::string(plain));
  }
}

TEST_CASE("base64: carries every byte value") {
  std::string bytes;
  for (int i = 0; i < 256; ++i) bytes.push_back(static_cast<char>(i));
  for (std::size_t cut = 0; cut < 4; ++cut) CHECK(from_base64(to_base64(bytes.substr(cut))) == bytes.substr(cut));
}

TEST_CASE("base64: refuses what is not exactly base64") {
  for (std::string_view text : {"Z", "Zg", "Zg=", "=", "====", "Zg==Zg==", "Zm9v\n", "Zm 9", "Zm9-", "Zh==", "Zm9="}) {
    CAPTURE(text);
    auto decoded = from_base64(text);
    REQUIRE_FALSE(decoded);
    CHECK(decoded.error().code == ErrorCode::invalid);
  }
}

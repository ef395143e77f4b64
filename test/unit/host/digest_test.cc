#include "host/digest.h"

#include "catch.h"
#include "host/files.h"

using namespace banger;

TEST_CASE("sha256: pieces have the digest of the whole") {
  host::Sha256 digest;
  digest.add("a");
  digest.add("");
  digest.add("bc");
  // The digest of "abc" in FIPS 180-2, appendix B.1.
  std::string expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
  CHECK(digest.finish() == expected);
  CHECK(host::sha256_hex("abc") == expected);
}

// Whole-buffer decompression: every format of kernels, damaged data, and false sizes.
#include "image/kernel/decompress.h"

#include "catch.h"
#include "samples.h"

using namespace banger;
using image::decompress;

TEST_CASE("decompress: each format gives back the original bytes") {
  std::string content = samples::vmlinux("6.1.0-test", 3'000'000);
  for (const auto& packed :
       {samples::gzip(content), samples::xz(content), samples::zstd(content), samples::lz4_legacy(content), content}) {
    auto unpacked = decompress(packed, content.size());
    REQUIRE(unpacked);
    CHECK((*unpacked == content));
  }
}

TEST_CASE("decompress: one byte more than the limit is exhausted, in every format") {
  std::string content(1'000'000, 'x');
  for (const auto& packed :
       {samples::gzip(content), samples::xz(content), samples::zstd(content), samples::lz4_legacy(content), content}) {
    auto unpacked = decompress(packed, content.size() - 1);
    REQUIRE(!unpacked);
    CHECK(unpacked.error().code == ErrorCode::exhausted);
  }
}

TEST_CASE("decompress: data that is cut short is corrupt, wherever it is cut") {
  std::string content = samples::vmlinux("6.1.0-test", 2'000);
  for (const auto& packed :
       {samples::gzip(content), samples::xz(content), samples::zstd(content), samples::lz4_legacy(content, 5'000)}) {
    for (std::size_t size = 7; size < packed.size(); size += 5) {
      auto unpacked = decompress(packed.substr(0, size), 1 << 20);
      REQUIRE(!unpacked);
      CHECK(unpacked.error().code == ErrorCode::corrupt);
    }
  }
}

TEST_CASE("decompress: an error names an unsupported format") {
  auto result = decompress("BZh91AY&SY", 100);
  REQUIRE(!result);
  CHECK(result.error().code == ErrorCode::unsupported);
  CHECK(result.error().message.find("bzip2") != std::string::npos);
}

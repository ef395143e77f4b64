#include "tar/ahead.h"

#include <zlib.h>
#include <zstd.h>

#include "support/fs_fixture.h"

using namespace banger;
using namespace banger::test;
using Catch::Matchers::Contains;

namespace {

std::string gzip(std::string_view bytes) {
  z_stream stream{};
  REQUIRE(deflateInit2(&stream, 6, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY) == Z_OK);
  std::string out(deflateBound(&stream, bytes.size()) + 32, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  stream.avail_in = static_cast<uInt>(bytes.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  REQUIRE(deflate(&stream, Z_FINISH) == Z_STREAM_END);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

std::string zstd(std::string_view bytes) {
  std::string out(ZSTD_compressBound(bytes.size()), '\0');
  out.resize(ZSTD_compress(out.data(), out.size(), bytes.data(), bytes.size(), 1));
  return out;
}

Result<std::string> decoded(const std::string& stream) {
  auto fd = as_fd(stream);
  auto source = TRY(tar::AheadSource::start(fd.get()));
  std::string all;
  for (;;) {
    std::string_view bytes = TRY(source->next());
    if (bytes.empty()) break;
    all += bytes;
  }
  CHECK(source->next().value().empty());
  return all;
}

/// Does not compress well, and is longer than what is kept ahead.
std::string numbers() {
  std::string text;
  for (unsigned i = 0; text.size() < (20 << 20); ++i) text += std::to_string(i * 2654435761u);
  return text;
}

}  // namespace

TEST_CASE("ahead: streams of each compression arrive whole") {
  std::string text = numbers();
  for (const std::string& stream : {text, gzip(text), zstd(text)}) {
    auto all = decoded(stream);
    REQUIRE(all.has_value());
    CHECK((*all == text));
  }
  CHECK(decoded("").value().empty());
  CHECK(decoded(gzip("")).value().empty());
  CHECK(decoded(zstd("")).value().empty());
}

TEST_CASE("ahead: members, frames and padding are one stream") {
  CHECK(decoded(gzip("a") + gzip("") + gzip("b")).value() == "ab");
  CHECK(decoded(gzip("a") + std::string(1000, '\0')).value() == "a");
  std::string skippable("\x50\x2a\x4d\x18\x03\0\0\0xyz", 11);
  CHECK(decoded(zstd("a") + skippable + zstd("b") + skippable).value() == "ab");
  CHECK(decoded(skippable + zstd("b")).value() == "b");
}

TEST_CASE("ahead: one compression is undone, not two") { CHECK(decoded(gzip(gzip("a"))).value() == gzip("a")); }

TEST_CASE("ahead: damaged streams are corrupt") {
  std::string text(300'000, 'x'), zipped = gzip(text), packed = zstd(numbers());
  std::string bad_sum = zipped;
  bad_sum[bad_sum.size() - 6] ^= 1;
  for (const std::string& stream : {zipped.substr(0, zipped.size() - 1), zipped.substr(0, 12), zipped + "x", bad_sum,
                                    zipped + std::string(10, '\0') + zipped, packed.substr(0, packed.size() - 1),
                                    packed.substr(0, 7), packed + "xxxx", std::string("\x1f\x8b", 2)}) {
    auto all = decoded(stream);
    REQUIRE(!all.has_value());
    CHECK(all.error().code == ErrorCode::corrupt);
    CHECK_THAT(all.error().message, Contains("stream is damaged"));
  }
  CHECK(decoded("\x28\xb5\x2f").value() == "\x28\xb5\x2f");
}

TEST_CASE("ahead: a reader may go away in the middle") {
  auto fd = as_fd(gzip(numbers()));
  auto source = tar::AheadSource::start(fd.get());
  REQUIRE(source.has_value());
  CHECK(!(*source)->next().value().empty());
}

TEST_CASE("ahead: an error of the descriptor is not the end of the stream") {
  auto source = tar::AheadSource::start(-1);
  REQUIRE(source.has_value());
  CHECK(!(*source)->next().has_value());
  CHECK(!(*source)->next().has_value());
}

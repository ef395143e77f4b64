// Chunks: what is written arrives, however the bytes are cut, and only the mark is the end.
#include "rpc/chunks.h"

#include "catch.h"

using namespace banger;

TEST_CASE("chunks: the bytes arrive whole, however a connection cuts them") {
  std::string big(70'000, 'x');
  auto wire = rpc::encode_chunk("one") + rpc::encode_chunk(big) + rpc::encode_chunk({}) + "behind the end";
  for (std::size_t step : {std::size_t{1}, std::size_t{3}, std::size_t{4096}, wire.size()}) {
    rpc::ChunkReader reader;
    std::string found;
    for (std::size_t at = 0; at < wire.size(); at += step)
      found += reader.feed(std::string_view(wire).substr(at, step));
    CHECK(found == "one" + big);
    CHECK(reader.ended());
  }
}

TEST_CASE("chunks: a connection that ends without the mark has not ended the stream") {
  auto wire = rpc::encode_chunk("words") + rpc::encode_chunk({});
  for (std::size_t length = 0; length < wire.size(); ++length) {
    rpc::ChunkReader reader;
    reader.feed(std::string_view(wire).substr(0, length));
    CHECK_FALSE(reader.ended());
  }
}

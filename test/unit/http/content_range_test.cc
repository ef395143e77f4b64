#include "http/content_range.h"

#include "catch.h"

using banger::http::parse_content_range;

TEST_CASE("content range: a range of bytes with or without a size") {
  auto range = parse_content_range("bytes 10-99/100").value();
  CHECK(range.first == 10);
  CHECK(range.last == 99);
  CHECK(range.size_bytes == 100);
  CHECK_FALSE(parse_content_range("Bytes 0-0/*").value().size_bytes);
}

TEST_CASE("content range: any other text is none") {
  for (auto* text : {"", "bytes", "bytes */100", "bytes 10-9/100", "bytes 10-100/100", "bytes 1-2", "bytes -2/3",
                     "items 0-1/2", "bytes 0-1/x", "bytes 0-99999999999999999999/100", "bytes 0/1-2", "bytes +1-2/3"})
    CHECK_FALSE(parse_content_range(text));
}

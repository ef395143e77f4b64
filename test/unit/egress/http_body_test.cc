// Where bodies of requests end, in every cut, and everything that two servers could read in two ways.
#include "egress/http_body.h"

#include "catch.h"
#include "egress/bounds.h"

using namespace banger;
using namespace banger::egress;

namespace {

HttpHead head_with(Framing framing, std::uint64_t length = 0) {
  HttpHead head;
  head.framing = framing;
  head.content_length = length;
  return head;
}

const HttpHead kChunked = head_with(Framing::chunked);

struct Outcome {
  BodyState state = BodyState::need_more;
  std::size_t taken = 0;
  friend bool operator==(const Outcome&, const Outcome&) = default;
};

/// What a reader takes of bytes that come in pieces of that size.
Outcome read(const HttpHead& head, std::string_view bytes, std::size_t piece) {
  HttpBodyReader reader(head);
  std::size_t taken = 0;
  for (std::size_t at = 0; at < bytes.size(); at += piece) {
    auto part = bytes.substr(at, piece);
    auto size = reader.feed(part);
    taken += size;
    if (reader.state() == BodyState::need_more)
      CHECK(size == part.size());
    else
      CHECK(reader.feed(bytes) == 0);
    if (reader.state() != BodyState::need_more) break;
  }
  return {reader.state(), taken};
}

Outcome whole(const HttpHead& head, std::string_view bytes) { return read(head, bytes, bytes.size() + 1); }

/// Every cut in two, and all pieces of one size, give what the whole gives.
void same_in_every_cut(const HttpHead& head, std::string_view bytes) {
  auto expected = whole(head, bytes);
  for (std::size_t piece = 1; piece <= bytes.size(); ++piece) CHECK(read(head, bytes, piece) == expected);
  for (std::size_t cut = 0; cut <= bytes.size(); ++cut) {
    HttpBodyReader reader(head);
    auto taken = reader.feed(bytes.substr(0, cut));
    if (taken == cut) taken += reader.feed(bytes.substr(cut));
    CHECK(Outcome{reader.state(), taken} == expected);
  }
}

constexpr std::string_view kNext = "GET / HTTP/1.1\r\n";

/// The whole text is one body, no beginning of it is, and what follows does not belong to it.
void is_body(const std::string& text) {
  INFO(text);
  CHECK(whole(kChunked, text) == Outcome{BodyState::ended, text.size()});
  for (std::size_t size = 0; size < text.size(); ++size)
    CHECK(whole(kChunked, text.substr(0, size)) == Outcome{BodyState::need_more, size});
  same_in_every_cut(kChunked, text + std::string(kNext));
  CHECK(whole(kChunked, text + std::string(kNext)) == Outcome{BodyState::ended, text.size()});
}

}  // namespace

TEST_CASE("http body: a request without one has ended at once") {
  HttpBodyReader none(head_with(Framing::none)), empty(head_with(Framing::length));
  CHECK(none.state() == BodyState::ended);
  CHECK(none.feed(kNext) == 0);
  CHECK(empty.state() == BodyState::ended);
  CHECK(empty.feed(kNext) == 0);
}

TEST_CASE("http body: a length counts bytes, whatever they are") {
  std::string text("\r\n\0\xff 0\r\n\r\n", 11);
  auto head = head_with(Framing::length, text.size());
  CHECK(HttpBodyReader(head).state() == BodyState::need_more);
  CHECK(whole(head, text) == Outcome{BodyState::ended, text.size()});
  CHECK(whole(head, text.substr(1)) == Outcome{BodyState::need_more, text.size() - 1});
  CHECK(whole(head, text + std::string(kNext)) == Outcome{BodyState::ended, text.size()});
  same_in_every_cut(head, text + std::string(kNext));
}

TEST_CASE("http body: the largest length has no end that could be reached") {
  auto head = head_with(Framing::length, INT64_MAX);
  CHECK(whole(head, std::string(1000, 'x')) == Outcome{BodyState::need_more, 1000});
}

TEST_CASE("http body: chunks end with an empty one") {
  is_body("0\r\n\r\n");
  is_body("5\r\nhello\r\n0\r\n\r\n");
  is_body("5\r\nhello\r\n1\r\n \r\n6\r\nworld!\r\n0\r\n\r\n");
  is_body("A\r\n0123456789\r\n00\r\n\r\n");
  is_body("a\r\n0123456789\r\n000000000000000\r\n\r\n");
  is_body("0010\r\n0123456789abcdef\r\n0\r\n\r\n");
}

TEST_CASE("http body: what looks like the end inside a chunk is data") {
  is_body("9\r\n\r\n0\r\n\r\nab\r\n0\r\n\r\n");
  is_body("2\r\n\r\n\r\n0\r\n\r\n");
}

TEST_CASE("http body: fields may follow the last chunk") {
  is_body("1\r\na\r\n0\r\nDigest: x\r\n\r\n");
  is_body("0\r\nA: \t\xc3\xa4\r\nB: 0\r\n\r\n");
}

TEST_CASE("http body: what servers read in two ways is refused at its first byte") {
  struct Bad {
    std::string good, rest;
  };
  const Bad bad[] = {
      {"5", ";name=value\r\nhello\r\n0\r\n\r\n"},  // an extension
      {"5", " \r\nhello\r\n0\r\n\r\n"},            // a space after the size
      {"", " 5\r\nhello\r\n0\r\n\r\n"},            // one before the size
      {"", "+5\r\nhello\r\n0\r\n\r\n"},            // a sign
      {"", "-1\r\n"},
      {"0", "x5\r\nhello\r\n0\r\n\r\n"},  // a prefix, as C has it
      {"", "\r\nhello\r\n0\r\n\r\n"},     // no size
      {"", "g\r\n"},
      {"5", "\nhello\r\n0\r\n\r\n"},  // LF alone after a size
      {"5\r", "hello\r\n0\r\n\r\n"},  // CR alone
      {"5\r", "\rhello\r\n0\r\n\r\n"},
      {"5\r\nhello", "\n0\r\n\r\n"},     // LF alone after data
      {"5\r\nhello", "0\r\n\r\n"},       // no end of the line after data
      {"5\r\nhello", "!\r\n0\r\n\r\n"},  // more data than the size says
      {"5\r\nhello\r", "0\r\n\r\n"},
      {"0\r\n", "\n"},                    // LF alone at the end
      {"0\r\n\r", "GET / HTTP/1.1\r\n"},  // CR alone at the end
      {"0\r\n\r", "\r\n"},
      {"0\r\nA: b", "\nContent-Length: 5\r\n\r\n"},  // LF alone after a field
      {"0\r\nA: b\r", "Content-Length: 5\r\n\r\n"},  // CR alone after a field
      {"0\r\nA: b\r\n", "\n"},
      {"0\r\nA: b\r\n\r", "X"},
      {"0\r\nA: ", std::string("\0b\r\n\r\n", 6)},  // control characters
      {"0\r\nA: ", "\x7f\r\n\r\n"},
      {"0\r\nA: ", "\x1b\r\n\r\n"},
      {"1\r\na\r\n", "\r\n0\r\n\r\n"},  // an empty line between chunks
      {"5\r\nhello\r\n", ";\r\n0\r\n\r\n"},
      {"000000000000000", "0\r\n\r\n"},  // more digits than any size needs
      {"1\r\na\r\n000000000000000", "1\r\na\r\n"},
      {"fffffffffffffff", "f\r\n"},  // a size beyond 64 bits, which some cut off
      {"100000000000000", "05\r\nhello\r\n0\r\n\r\n"},
  };
  for (const auto& [good, rest] : bad) {
    INFO(good + "|" + rest);
    CHECK(whole(kChunked, good) == Outcome{BodyState::need_more, good.size()});
    CHECK(whole(kChunked, good + rest) == Outcome{BodyState::malformed, good.size()});
    same_in_every_cut(kChunked, good + rest);
  }
}

TEST_CASE("http body: the largest size of a chunk does not become a small one") {
  std::string text = "fffffffffffffff\r\n" + std::string(5000, 'x');
  CHECK(whole(kChunked, text) == Outcome{BodyState::need_more, text.size()});
}

TEST_CASE("http body: fields after the last chunk have a limit together") {
  std::string last = "0\r\n", field = "A: " + std::string(1019, 'b') + "\r\n";
  std::string fields;
  while (fields.size() + field.size() + 2 <= limits::kRequestHeadBytes) fields += field;
  auto room = limits::kRequestHeadBytes - fields.size();
  auto text = last + fields + std::string(room - 3, 'c') + "\r\n\r\n";
  CHECK(whole(kChunked, text) == Outcome{BodyState::ended, text.size()});
  text.insert(text.size() - 4, "c");
  CHECK(whole(kChunked, text) == Outcome{BodyState::malformed, text.size() - 2});
}

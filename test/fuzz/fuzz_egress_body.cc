// Fuzzes bodies of requests. The first byte is the size of the pieces, which must not change the result. The second
// byte is the body's length. Above 0xf0 the body is chunked. A chunked body that has ended has one reading: a plain
// search for its sizes comes to the same end.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "egress/http_body.h"

namespace {

using namespace banger::egress;

constexpr std::size_t kWhole = SIZE_MAX / 2;  // larger than any input

void must(bool holds) {
  if (!holds) std::abort();
}

struct Outcome {
  BodyState state;
  std::size_t taken;
  bool operator==(const Outcome&) const = default;
};

Outcome read(const HttpHead& head, std::string_view bytes, std::size_t piece) {
  HttpBodyReader reader(head);
  std::size_t taken = 0;
  for (std::size_t at = 0; at < bytes.size(); at += piece) {
    auto part = bytes.substr(at, piece);
    bool more = reader.state() == BodyState::need_more;
    auto size = reader.feed(part);
    must(size <= part.size() && (more || size == 0));
    must(reader.state() != BodyState::need_more || size == part.size());
    taken += size;
  }
  return {reader.state(), taken};
}

/// The end of the chunks in a sound body, found line by line.
std::size_t end_of_chunks(std::string_view text) {
  for (std::size_t at = 0;;) {
    auto line = text.find("\r\n", at);
    must(line != text.npos && line > at);
    std::size_t size = 0;
    for (char c : text.substr(at, line - at))
      size = size * 16 + static_cast<std::size_t>(c <= '9' ? c - '0' : (c & 15) + 9);
    at = line + 2;
    if (size == 0) return at;
    must(text.size() - at > size && text.substr(at + size, 2) == "\r\n");
    at += size + 2;
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  HttpHead head;
  bool chunked = data[1] > 0xf0;
  head.framing = chunked ? Framing::chunked : data[1] == 0xf0 ? Framing::none : Framing::length;
  head.content_length = head.framing == Framing::length ? data[1] : 0;
  std::string_view bytes(reinterpret_cast<const char*>(data) + 2, size - 2);
  auto outcome = read(head, bytes, kWhole);
  must(outcome == read(head, bytes, data[0] + std::size_t{1}));
  if (!chunked) {
    must(outcome.taken == std::min<std::size_t>(bytes.size(), head.content_length));
    must(HttpBodyReader(head).state() == BodyState::ended ||
         (outcome.state == BodyState::ended) == (outcome.taken == head.content_length));
    return 0;
  }
  auto text = bytes.substr(0, outcome.taken);
  // What was taken decides, not what follows.
  if (outcome.state == BodyState::ended)
    must(read(head, text, kWhole) == outcome);
  else
    must(read(head, text, kWhole).state == BodyState::need_more);
  if (outcome.state != BodyState::ended) return 0;
  auto trailer = text.substr(end_of_chunks(text));
  must(trailer == "\r\n" || trailer.find("\r\n\r\n") == trailer.size() - 4);
  return 0;
}

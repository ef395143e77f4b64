// Fuzzes heads of requests. The first byte is the size of the pieces, which must not change the result. A head that was
// found has one reading: a plain search for its lines finds the same host and the same length of a body.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "base/letters.h"
#include "base/text.h"
#include "egress/bounds.h"
#include "egress/http_head.h"

namespace {

using namespace banger;
using namespace banger::egress;

constexpr std::size_t kWhole = SIZE_MAX / 2;  // larger than any input

void must(bool holds) {
  if (!holds) std::abort();
}

HttpHeadParser read(std::string_view bytes, std::size_t piece) {
  HttpHeadParser parser;
  for (std::size_t at = 0; at < bytes.size(); at += piece) parser.feed(bytes.substr(at, piece));
  return parser;
}

/// The lines that begin with a name in any case, with whatever may hide a name for another reader.
std::size_t count_lines(std::string_view text, std::string_view small_name) {
  std::size_t count = 0;
  for (auto line : split(text, '\n')) {
    auto trimmed = lower(trim(line));
    count += trimmed.starts_with(small_name) && trim(trimmed.substr(small_name.size())).starts_with(':');
  }
  return count;
}

void check_framing(const HttpHead& head, std::string_view text) {
  auto lengths = count_lines(text, "content-length"), codings = count_lines(text, "transfer-encoding");
  must(lengths + codings == (head.framing == Framing::none ? 0u : 1u));
  must(codings == (head.framing == Framing::chunked ? 1u : 0u));
  must(head.content_length == 0 || head.framing == Framing::length);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 1) return 0;
  std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  auto parser = read(bytes, kWhole), pieces = read(bytes, data[0] + std::size_t{1});
  must(parser.state() == pieces.state() && parser.fault() == pieces.fault() && parser.bytes() == pieces.bytes());
  must((parser.state() == HeadState::refused) == (parser.fault() != HeadFault::none));
  must(to_sentence(parser.fault()).starts_with("the request"));
  if (parser.state() != HeadState::found) return 0;
  const auto& head = parser.head();
  must(head == pieces.head());
  auto text = bytes.substr(0, parser.bytes());
  must(text.ends_with("\r\n\r\n") && text.find("\r\n\r\n") == text.size() - 4);
  bool old_tunnel = head.method == "CONNECT" && head.minor_version == 0;
  auto hosts = count_lines(text, "host");
  must((hosts == 1 || (hosts == 0 && old_tunnel)) && head.host.kind != HostKind::invalid);
  must(head.fields.size() <= limits::kRequestFields && split(text, '\n').size() == head.fields.size() + 3);
  check_framing(head, text);
  return 0;
}

// Fuzzes a server's response. The first byte selects what is expected, the second byte selects the cuts between reads,
// which must not change the result.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "http/bounds.h"
#include "http/response_parser.h"

namespace {

using namespace banger;
using namespace banger::http;

void must(bool holds) {
  if (!holds) std::abort();
}

/// What a response came to, as text. Of two faults in one response, the cuts decide which one is told.
std::string read_all(std::string_view bytes, Expect expect, std::size_t step) {
  ResponseParser parser(expect);
  std::string body;
  for (std::size_t at = 0; at < bytes.size() && !parser.done(); at += step) {
    auto fed = parser.feed(bytes.substr(at, step));
    body += parser.take_body();
    if (!fed) return "refused " + std::to_string(parser.head_done());
  }
  if (!parser.done())
    if (auto ended = parser.end(); !ended) return std::string(to_string(ended.error().code));
  must(parser.head_done() && parser.status() >= 200 && parser.status() <= 599);
  auto headers = parser.take_headers();
  must(headers.fields().size() <= limits::kHttpFields + 1);
  std::string text = std::to_string(parser.status()) + "\n";
  for (const auto& [name, value] : headers.fields()) {
    must(is_token(name));
    text += name + ":" + value + "\n";
  }
  must(expect == Expect::body || body.empty() || (expect == Expect::tunnel && parser.status() >= 300));
  return text + body;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  std::string_view bytes(reinterpret_cast<const char*>(data) + 2, size - 2);
  auto expect = static_cast<Expect>(data[0] % 3);
  must(read_all(bytes, expect, SIZE_MAX) == read_all(bytes, expect, data[1] + std::size_t{1}));
  return 0;
}

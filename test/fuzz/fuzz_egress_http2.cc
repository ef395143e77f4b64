// Feeds any bytes to both sides of a relay of HTTP/2. The first byte selects how much of a handshake comes first. Then
// each piece has a byte of its side and a byte of its size. Whatever comes, the relay ends or holds little, and what it
// says has sound frames.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "egress/bounds.h"
#include "egress/http2_relay.h"
#include "egress/verdict.h"

namespace {

using namespace banger;
using namespace banger::egress;

const std::string kPreface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const std::string kSettings("\0\0\0\4\0\0\0\0\0", 9), kAcknowledged("\0\0\0\4\1\0\0\0\0", 9);
// GET https://a/ with the static table, without and with a body (RFC 7541, appendix A).
const std::string kGet("\0\0\x06\1\5\0\0\0\1\x82\x87\x84\x41\1a", 15);
const std::string kPost("\0\0\x06\1\4\0\0\0\3\x83\x87\x84\x41\1a", 15);
// 200 for the first request, without its end.
const std::string kOk("\0\0\1\1\4\0\0\0\1\x88", 10);

void must(bool holds) {
  if (!holds) std::abort();
}

/// Reads the frames that the relay sends. `greeting`: what comes before the first one.
struct Reader {
  std::size_t greeting;
  std::string rest = {};
  void read(std::string_view bytes) {
    rest += bytes;
    auto skipped = std::min(greeting, rest.size());
    greeting -= skipped;
    rest.erase(0, skipped);
    while (rest.size() >= 9) {
      auto byte = [&](std::size_t at) { return static_cast<std::uint8_t>(rest[at]); };
      std::size_t size = 9 + (std::size_t{byte(0)} << 16 | std::size_t{byte(1)} << 8 | byte(2));
      must(size <= 9 + 16'384 && byte(3) <= 9 && byte(3) != 5);  // no PUSH_PROMISE
      if (rest.size() < size) break;
      rest.erase(0, size);
    }
  }
};

std::optional<Http2Refusal> judge(std::vector<HttpField>& fields) {
  must(!fields.empty() && fields.size() <= limits::kRequestFields);
  auto verdict = judge_inside_tls("a", {1, 443}, fields);
  for (auto& field : fields)
    if (field.value == "secret") field.value = "replaced";
  if (fields.back().value == "no" || !verdict.allowed()) return Http2Refusal{403, "no"};
  return std::nullopt;
}

void take(Http2Relay& relay, Reader& guest, Reader& outside) {
  for (bool more = true; more;) {
    auto down = relay.take_for_guest(), up = relay.take_for_outside();
    must(down.size() < 2 * limits::kRelayBlockBytes + limits::kRelayTakeBytes);
    guest.read(down);
    outside.read(up);
    more = !down.empty() || !up.empty();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 1) return 0;
  std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  Instant now{std::chrono::seconds(1)};
  Http2Relay relay(judge);
  Reader guest{0}, outside{kPreface.size()};
  if (data[0] & 1) relay.feed_guest(kPreface + kSettings, now);
  if (data[0] & 2) relay.feed_outside(kSettings, now);
  if (data[0] & 4) take(relay, guest, outside);
  if (data[0] & 8) relay.feed_guest(kAcknowledged + kGet + kPost, now);
  if (data[0] & 16) take(relay, guest, outside);
  if (data[0] & 32) relay.feed_outside(kAcknowledged + kOk, now);
  while (bytes.size() >= 2 && !relay.over()) {
    auto how = static_cast<std::uint8_t>(bytes[0]);
    auto piece = bytes.substr(2, std::size_t{static_cast<std::uint8_t>(bytes[1])} << (how & 3));
    bytes.remove_prefix(2 + piece.size());
    if (how & 4)
      relay.feed_guest(piece, now);
    else
      relay.feed_outside(piece, now);
    if (how & 8) take(relay, guest, outside);
    if ((how & 0xf0) == 0x10) relay.end_outside();
    if ((how & 0xf0) == 0x20) relay.end_guest();
    must(relay.streams() <= limits::kRelayStreamsHeld);
  }
  relay.end_outside();
  take(relay, guest, outside);
  relay.end_guest();
  take(relay, guest, outside);
  must(relay.over() && relay.streams() == 0);
  must(guest.rest.empty() && outside.rest.empty());
  return 0;
}

// Fuzzes ClientHello messages, also as the second one of a connection, and a server's answers. The first byte is the
// size of the pieces, the second the size of the records that the rest is cut into again. Neither changes what was
// read, and a found message is read from its own bytes alone.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "../unit/egress/tls_wire.h"
#include "egress/bounds.h"
#include "egress/client_hello.h"
#include "egress/hello_retry.h"

namespace {

using namespace banger;
using namespace banger::egress;

constexpr std::size_t kWhole = SIZE_MAX / 2;  // larger than any input

void must(bool holds) {
  if (!holds) std::abort();
}

template <class Parser>
void feed(Parser& parser, std::string_view wire, std::size_t piece) {
  for (std::size_t at = 0; at < wire.size(); at += piece) parser.feed(wire.substr(at, piece));
}

ClientHelloParser read(std::string_view wire, std::size_t piece, Flight flight = Flight::first) {
  ClientHelloParser parser(flight);
  feed(parser, wire, piece);
  return parser;
}

void must_be_same(const ClientHelloParser& one, const ClientHelloParser& other) {
  must(one.state() == other.state());
  if (one.state() == HelloState::found) must(one.hello() == other.hello());
}

/// The same message in records of another size.
void check_records(std::string_view wire, const ClientHelloParser& parser, std::size_t record) {
  std::string message;
  for (std::size_t at = 0; at < parser.bytes();) {
    auto size = static_cast<std::size_t>(static_cast<unsigned char>(wire[at + 3]) << 8 |
                                         static_cast<unsigned char>(wire[at + 4]));
    message += wire.substr(at + 5, size);
    at += 5 + size;
  }
  auto cut = tls_wire::records(message, record);
  if (cut.size() <= limits::kClientHelloBytes) must_be_same(read(cut, cut.size()), parser);
}

/// Whoever is served first is served the same after a retry, and a server's answer does not depend on its cuts.
void check_retry(std::string_view wire, const ClientHelloParser& first, std::size_t piece) {
  auto second = read(wire, piece, Flight::after_retry);
  must_be_same(second, read(wire, 1, Flight::after_retry));
  if (first.state() == HelloState::found) must_be_same(first, second);
  HelloRetryParser whole, pieces;
  whole.feed(wire);
  feed(pieces, wire, piece);
  must(whole.state() == pieces.state());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  std::string_view wire(reinterpret_cast<const char*>(data) + 2, size - 2);
  auto parser = read(wire, kWhole), pieces = read(wire, data[0] + std::size_t{1});
  must_be_same(parser, pieces);
  check_retry(wire, parser, data[0] + std::size_t{1});
  must(parser.bytes() == pieces.bytes() && parser.bytes() <= wire.size());
  if (parser.state() == HelloState::need_more) must(parser.bytes() == wire.size());
  if (parser.state() != HelloState::found) return 0;
  const auto& hello = parser.hello();
  must((hello.kind == SniKind::name) == !hello.sni.empty());
  must(hello.sni.empty() || host_name(hello.sni) == hello.sni);
  must(hello.protocols.size() <= limits::kAlpnNames);
  must_be_same(read(wire.substr(0, parser.bytes()), 1), parser);
  must(read(wire.substr(0, parser.bytes() - 1), 64).state() == HelloState::need_more);
  check_records(wire, parser, data[1] + std::size_t{1});
  return 0;
}

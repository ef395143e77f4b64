#include "link/sync.h"

#include "catch.h"

using namespace banger;
using namespace banger::link;

namespace {

const std::string kToken = "TOKENtokenTOKEN!";
const std::string kNonceA = "aaaaaaaaAAAAAAAA", kNonceB = "bbbbbbbbBBBBBBBB";
const std::string kHelloA = kToken + kNonceA, kHelloB = kToken + kNonceB;

/// Events as text: data as it is, hellos as <nonce's first byte>, repeats as (it).
std::string scan(HelloScanner& scanner, std::string_view bytes, std::size_t step) {
  std::string seen;
  for (std::size_t at = 0; at < bytes.size(); at += step) {
    scanner.feed(bytes.substr(at, step));
    while (auto event = scanner.next()) {
      if (event->kind == SyncEvent::Kind::data)
        seen += event->data;
      else if (event->kind == SyncEvent::Kind::hello)
        seen += '<' + event->answer.substr(kTokenBytes, 1) + '>';
      else
        seen += '(' + event->answer.substr(kTokenBytes, 1) + ')';
    }
  }
  return seen;
}

std::string scan(std::string_view bytes, std::size_t step = 1000) {
  HelloScanner scanner(kToken);
  return scan(scanner, bytes, step);
}

}  // namespace

TEST_CASE("sync: a token has 16 bytes") {
  CHECK(check_token(kToken));
  CHECK(check_token("short").error().code == ErrorCode::invalid);
  CHECK(check_token(kHelloA).error().code == ErrorCode::invalid);
}

TEST_CASE("sync: the guest finds a hello behind any garbage") {
  CHECK(scan("garbage" + kHelloA + "data") == "garbage<a>data");
  CHECK(scan(std::string(100, 'T') + kHelloA) == std::string(100, 'T') + "<a>");
}

TEST_CASE("sync: the guest finds a hello however the bytes are cut") {
  auto bytes = "TOKEN" + kHelloA + kHelloA + "PRI data" + kHelloB + "PRI more";
  for (std::size_t step = 1; step <= bytes.size(); ++step) {
    auto seen = scan(bytes, step);
    INFO("in steps of " << step << ": " << seen);
    // The first part of a token may already have passed as data of the session that the token ends.
    CHECK(seen.find("<a>(a)PRI data") != std::string::npos);
    CHECK(seen.ends_with("<b>PRI more"));
  }
}

TEST_CASE("sync: data is never held back once a session has begun") {
  HelloScanner scanner(kToken);
  CHECK(scan(scanner, kHelloA + "PRI", 1000) == "<a>PRI");
  CHECK(scan(scanner, "ends in TOKEN", 1000) == "ends in TOKEN");
}

TEST_CASE("sync: the same hello is answered again only while the session is fresh") {
  CHECK(scan(kHelloA + kHelloA + kHelloA) == "<a>(a)(a)");
  CHECK(scan(kHelloA + "PRI" + kHelloA + "more") == "<a>PRImore");
}

TEST_CASE("sync: another nonce always begins a new session") {
  CHECK(scan(kHelloA + kHelloB + "x") == "<a><b>x");
  CHECK(scan(kHelloA + "PRI" + kHelloB + "x" + kHelloA) == "<a>PRI<b>x<a>");
}

TEST_CASE("sync: a hello cut short does not hide the next host's") {
  for (std::size_t cut = 0; cut < kHelloBytes; ++cut) {
    for (std::size_t step : {1, 7, 16, 1000}) {
      auto seen = scan(kHelloA.substr(0, cut) + kHelloB + "PRI", step);
      INFO("cut at " << cut << ", in steps of " << step << ": " << seen);
      CHECK(seen.ends_with("<b>PRI"));
    }
  }
}

TEST_CASE("sync: first bytes that only begin like a token are data") {
  for (std::size_t step : {1, 2, 16, 1000}) CHECK(scan(kHelloA + "TOKENnothing", step).ends_with("<a>TOKENnothing"));
}

TEST_CASE("sync: after the host went, its nonce is new again") {
  HelloScanner scanner(kToken);
  CHECK(scan(scanner, kHelloA + "PRI", 1000) == "<a>PRI");
  scanner.reset();
  CHECK(scan(scanner, kHelloA, 1000) == "<a>");
}

TEST_CASE("sync: a new token counts for later hellos, the old one no longer does") {
  HelloScanner scanner(kToken);
  CHECK(scan(scanner, kHelloA + "PRI", 1000) == "<a>PRI");
  scanner.set_token("another token 16");
  CHECK(scan(scanner, kHelloB, 1000) == kHelloB);
  CHECK(scan(scanner, "another token 16" + kNonceB, 1000) == "<b>");
}

TEST_CASE("sync: the host ignores bytes before the echo and drops the echoes behind it") {
  auto bytes = "boot noise TOKEN" + kHelloB + kHelloA + kHelloA + kHelloA + "TOhttp";
  for (std::size_t step = 1; step <= bytes.size(); ++step) {
    EchoScanner scanner(kHelloA);
    std::string seen;
    for (std::size_t at = 0; at < bytes.size(); at += step)
      seen += scanner.feed(std::string_view(bytes).substr(at, step));
    INFO("in steps of " << step);
    CHECK(scanner.synced());
    CHECK(scanner.settled());
    CHECK(seen == "TOhttp");
  }
}

TEST_CASE("sync: the host does not accept another nonce") {
  EchoScanner scanner(kHelloA);
  CHECK(scanner.feed(kHelloB + kToken + "aaaaaaaaAAAAAAAB").empty());
  CHECK_FALSE(scanner.synced());
}

TEST_CASE("sync: the host finds the arrival of another agent however the bytes are cut, and nothing behind it") {
  auto before = std::string("frames ") + kHelloA + kToken + " more", bytes = before + arrival(kToken) + "garbage";
  for (std::size_t step = 1; step <= bytes.size(); ++step) {
    ArrivalScanner scanner(kToken);
    std::string seen;
    for (std::size_t at = 0; at < bytes.size(); at += step)
      seen += scanner.feed(std::string_view(bytes).substr(at, step));
    INFO("in steps of " << step << ": " << seen);
    CHECK(scanner.arrived());
    // Its first part may already have passed.
    CHECK(seen.starts_with(before));
    CHECK(seen.size() < before.size() + kHelloBytes);
  }
}

TEST_CASE("sync: an arrival is recognised by each expected token, and by no other") {
  ArrivalScanner scanner(kToken);
  CHECK(scanner.feed(arrival(kNonceA)) == arrival(kNonceA));
  CHECK(!scanner.arrived());
  scanner.expect(kNonceA);
  CHECK(scanner.feed(arrival(kNonceB) + arrival(kNonceA)) == arrival(kNonceB));
  CHECK(scanner.arrived());
  ArrivalScanner other(kToken);
  other.expect(kNonceA);
  CHECK(other.feed(arrival(kToken)).empty());
  CHECK(other.arrived());
}

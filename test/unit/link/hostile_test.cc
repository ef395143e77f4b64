// Peers that violate the protocol, at either end.
#include <fcntl.h>
#include <sys/socket.h>

#include "catch.h"
#include "link/bounds.h"
#include "link/channel.h"
#include "link/fixture.h"
#include "link/sync.h"

using namespace banger;
using namespace banger::link;
using namespace banger::link::test;

namespace {

constexpr std::uint8_t kData = 0, kHeaders = 1, kRstStream = 3, kSettings = 4, kPing = 6, kGoaway = 7,
                       kContinuation = 9;
constexpr std::uint8_t kEndStream = 1, kEndHeaders = 4;
const std::string kPreface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

std::string frame(std::uint8_t type, std::uint8_t flags, std::uint32_t stream, const std::string& payload) {
  auto size = static_cast<std::uint32_t>(payload.size());
  std::string bytes;
  for (int shift : {16, 8, 0}) bytes.push_back(static_cast<char>(size >> shift));
  bytes.push_back(static_cast<char>(type));
  bytes.push_back(static_cast<char>(flags));
  for (int shift : {24, 16, 8, 0}) bytes.push_back(static_cast<char>(stream >> shift));
  return bytes + payload;
}

/// An HPACK literal that is not indexed (RFC 7541, 6.2.2), with lengths below 127.
std::string literal(const std::string& name, const std::string& value) {
  return std::string(1, '\0') + static_cast<char>(name.size()) + name + static_cast<char>(value.size()) + value;
}
/// GET http / from HPACK's static table.
const std::string kGet = "\x82\x86\x84";

/// A peer that sends any bytes.
class Raw {
 public:
  Raw(host::Runtime& runtime, UniqueFd fd) : channel_(*Channel::take(runtime, std::move(fd))) {}

  Task<bool> send(std::string bytes) {
    std::string_view rest = bytes;
    while (!rest.empty()) {
      auto step = channel_->write(rest);
      if (step.kind == IoStep::Kind::again)
        co_await channel_->writable();
      else if (step.kind != IoStep::Kind::done)
        co_return false;
      rest.remove_prefix(step.bytes);
    }
    co_return true;
  }
  /// Reads until `count` bytes are there, or the peer has gone.
  Task<std::string> receive(std::size_t count) {
    std::string buffer(4096, '\0');
    while (seen_.size() < count) {
      auto step = channel_->read(buffer);
      if (step.kind == IoStep::Kind::again)
        co_await channel_->readable();
      else if (step.kind != IoStep::Kind::done)
        break;
      else
        seen_.append(buffer, 0, step.bytes);
    }
    auto bytes = seen_.substr(0, count);
    seen_.erase(0, count);
    co_return bytes;
  }
  /// Reads frames up to one of this type; false when the peer has gone before.
  Task<bool> receive_frame(std::uint8_t type) {
    for (;;) {
      auto head = co_await receive(9);
      if (head.size() < 9) co_return false;
      std::size_t size =
          std::size_t(std::uint8_t(head[0])) << 16 | std::size_t(std::uint8_t(head[1])) << 8 | std::uint8_t(head[2]);
      (void)co_await receive(size);
      if (std::uint8_t(head[3]) == type) co_return true;
    }
  }
  /// Host end: reads up to the answer to its hello; bytes before the answer are not for this host.
  Task<bool> receive_answer(std::string hello) {
    for (std::string seen; !seen.ends_with(hello);) {
      auto byte = co_await receive(1);
      if (byte.empty()) co_return false;
      seen += byte;
    }
    co_return true;
  }
  /// Host end: a handshake, then the start of a session.
  Task<bool> greet(char nonce) {
    auto hello = kToken + std::string(kNonceBytes, nonce);
    (void)co_await send(hello);
    if (!co_await receive_answer(hello)) co_return false;
    co_return co_await send(kPreface + frame(kSettings, 0, 0, ""));
  }
  void close() { channel_->close(); }

 private:
  std::unique_ptr<Channel> channel_;
  std::string seen_;
};

struct RawHost {
  explicit RawHost(Fixture& fixture) : log(std::make_shared<GuestLog>(fixture.runtime)) {
    auto ends = make_socketpair();
    spare = duplicate(ends.host);
    server = start_guest(fixture.runtime, std::move(ends.guest), log);
    raw = std::make_unique<Raw>(fixture.runtime, std::move(ends.host));
  }
  std::shared_ptr<GuestLog> log;
  std::shared_ptr<Server> server;
  std::unique_ptr<Raw> raw;
  UniqueFd spare;  ///< for a correct host afterwards
};

Task<bool> greets(Fixture& fixture, RawHost& host) {
  host.raw->close();
  auto client = co_await connect(fixture.runtime, std::move(host.spare), kToken, soon());
  if (!client) co_return false;
  auto answer = co_await (*client)->call("GET", "/hello", "", soon());
  co_return answer && *answer == "hello you";
}

/// Sends `bytes` in a session with a real guest. Gives whether GOAWAY ended the session, and whether the guest still
/// serves.
std::pair<bool, bool> guest_ends_session_over(const std::string& bytes) {
  Fixture fixture;
  RawHost host(fixture);
  bool ended = false, serves = false;
  bool ran = fixture.run([&]() -> Task<> {
    if (!co_await host.raw->greet('n')) co_return;
    (void)co_await host.raw->send(bytes);
    ended = co_await host.raw->receive_frame(kGoaway);
    serves = co_await greets(fixture, host);
  });
  return {ran && ended, ran && serves};
}

/// A guest that answers the handshake, sends `first`, and sends `then` after a request.
Task<> raw_guest(std::shared_ptr<Raw> raw, std::string first, std::string then) {
  auto hello = co_await raw->receive(kHelloBytes);
  (void)co_await raw->send(hello + first);
  if (then.empty()) co_return;
  (void)co_await raw->receive(kPreface.size());
  if (co_await raw->receive_frame(kHeaders)) (void)co_await raw->send(then);
}

/// The result of a request to that guest, and whether the link survived.
std::pair<Result<std::string>, bool> call_raw_guest(const std::string& first, const std::string& then = "") {
  Fixture fixture;
  auto ends = make_socketpair();
  auto raw = std::make_shared<Raw>(fixture.runtime, std::move(ends.guest));
  Result<std::string> answer = fail(ErrorCode::internal, "not asked");
  bool alive = false;
  fixture.run([&]() -> Task<> {
    fixture.runtime.spawn(raw_guest(raw, first, then));
    auto client = co_await connect(fixture.runtime, std::move(ends.host), kToken, soon());
    if (!client) co_return;
    answer = co_await (*client)->call("GET", "/x", "", soon());
    alive = (*client)->alive();
    if (!alive) co_await (*client)->closed();
  });
  return {answer, alive};
}

}  // namespace

TEST_CASE("hostile guest: endless garbage instead of an answer ends in a timeout while others run") {
  Fixture fixture;
  auto ends = make_socketpair();
  auto raw = std::make_shared<Raw>(fixture.runtime, std::move(ends.guest));
  std::size_t spewed = 0, ticks = 0;
  auto spew = [](std::shared_ptr<Raw> guest, std::size_t* count) -> Task<> {
    while (co_await guest->send(pattern(*count, 65'536))) *count += 65'536;
  };
  auto tick = [](host::Runtime* runtime, std::size_t* count) -> Task<> {
    for (;;) {
      co_await runtime->sleep_for(std::chrono::milliseconds(1));
      ++*count;
    }
  };
  ErrorCode code = ErrorCode::internal;
  REQUIRE(fixture.run([&]() -> Task<> {
    fixture.runtime.spawn(spew(raw, &spewed));
    fixture.runtime.spawn(tick(&fixture.runtime, &ticks));
    auto client =
        co_await connect(fixture.runtime, std::move(ends.host), kToken, host::after(std::chrono::milliseconds(400)));
    if (!client) code = client.error().code;
  }));
  CHECK(code == ErrorCode::timeout);
  CHECK(spewed > 0);
  CHECK(ticks > 0);
}

TEST_CASE("hostile guest: silence ends in a timeout, and a closed channel in an error") {
  Fixture fixture;
  auto silent = make_socketpair(), gone = make_socketpair();
  gone.guest.reset();
  ErrorCode timeout = ErrorCode::internal, unavailable = ErrorCode::internal, bad_token = ErrorCode::internal;
  REQUIRE(fixture.run([&]() -> Task<> {
    auto bad = co_await connect(fixture.runtime, duplicate(silent.host), "short", soon());
    if (!bad) bad_token = bad.error().code;
    auto first =
        co_await connect(fixture.runtime, std::move(silent.host), kToken, host::after(std::chrono::milliseconds(30)));
    if (!first) timeout = first.error().code;
    auto second = co_await connect(fixture.runtime, std::move(gone.host), kToken, soon());
    if (!second) unavailable = second.error().code;
  }));
  CHECK(timeout == ErrorCode::timeout);
  CHECK(unavailable == ErrorCode::unavailable);
  CHECK(bad_token == ErrorCode::invalid);
}

TEST_CASE("hostile guest: a late guest answers every hello, and the session still starts") {
  Fixture fixture;
  auto log = std::make_shared<GuestLog>(fixture.runtime);
  auto ends = make_socketpair();
  Result<std::string> answer = fail(ErrorCode::internal, "not asked");
  std::shared_ptr<Server> server;
  auto late = [](Fixture* r, UniqueFd fd, std::shared_ptr<GuestLog> l, std::shared_ptr<Server>* made) -> Task<> {
    co_await r->runtime.sleep_for(limits::kLinkSyncRetry * 3);
    *made = start_guest(r->runtime, std::move(fd), l);
  };
  REQUIRE(fixture.run([&]() -> Task<> {
    fixture.runtime.spawn(late(&fixture, std::move(ends.guest), log, &server));
    auto client = co_await connect(fixture.runtime, std::move(ends.host), kToken, soon());
    if (client) answer = co_await (*client)->call("GET", "/hello", "", soon());
  }));
  CHECK(answer.value() == "hello you");
}

TEST_CASE("hostile guest: other bytes than HTTP/2 after the handshake end the link") {
  auto settings = frame(kSettings, 0, 0, "");
  for (const auto& bytes :
       {std::string(100, '\xff'), std::string("HTTP/1.1 200 OK\r\n\r\n"), frame(kData, 0, 1, "data"),
        settings + frame(kHeaders, kEndHeaders, 2, "\x88"), settings + frame(kPing, 0, 0, "short"),
        settings + std::string("\xff\xff\xff\0\0\0\0\0\1", 9), settings + frame(kGoaway, 0, 0, std::string(8, '\0'))}) {
    auto [answer, alive] = call_raw_guest(bytes);
    REQUIRE_FALSE(answer);
    CHECK(answer.error().code == ErrorCode::unavailable);
    CHECK_FALSE(alive);
  }
}

TEST_CASE("hostile guest: headers over the limit fail their request only") {
  std::string block = "\x88";
  while (block.size() < limits::kLinkHeaderBytes) block += literal("x", std::string(100, 'v'));
  auto first = block.substr(0, 16'000), rest = block.substr(16'000);
  auto [answer, alive] = call_raw_guest(
      frame(kSettings, 0, 0, ""),
      frame(kHeaders, 0, 1, first) + frame(kContinuation, kEndHeaders, 1, rest) + frame(kData, kEndStream, 1, "{}"));
  REQUIRE_FALSE(answer);
  CHECK(answer.error().code == ErrorCode::corrupt);
  CHECK(alive);
}

TEST_CASE("hostile host: a broken session is ended and the guest serves the next host") {
  auto head = frame(kHeaders, 0, 1, kGet);
  std::string endless = head;
  for (std::size_t i = 0; i < limits::kLinkContinuations + 2; ++i)
    endless += frame(kContinuation, 0, 1, literal("x", "v"));
  for (const auto& bytes :
       {std::string("\xff\xff\xff\0\0\0\0\0\1", 9), std::string("\0\x40\1\0\0\0\0\0\1", 9) + std::string(16'385, 'x'),
        frame(kData, 0, 1, "data on an idle stream"), frame(kHeaders, kEndHeaders, 1, "\xff\xff\xff\xff\xff\xff\xff"),
        endless, frame(kHeaders, kEndHeaders, 2, kGet), frame(kPing, 0, 1, "12345678"), std::string(64, '\0')}) {
    auto [ended, serves] = guest_ends_session_over(bytes);
    INFO("frame type " << int(bytes[3]));
    CHECK(ended);
    CHECK(serves);
  }
}

TEST_CASE("hostile host: other bytes than HTTP/2 after the handshake end the session") {
  Fixture fixture;
  RawHost host(fixture);
  bool ended = false, serves = false;
  REQUIRE(fixture.run([&]() -> Task<> {
    auto hello = kToken + std::string(kNonceBytes, 'n');
    (void)co_await host.raw->send(hello + "GET / HTTP/1.1\r\nHost: guest\r\n\r\n");
    (void)co_await host.raw->receive_answer(hello);
    ended = co_await host.raw->receive_frame(kGoaway);
    serves = co_await greets(fixture, host);
  }));
  CHECK(ended);
  CHECK(serves);
}

TEST_CASE("hostile host: headers over the limit are refused, and the session continues") {
  Fixture fixture;
  RawHost host(fixture);
  bool reset = false, answered = false;
  std::string block = kGet + literal("host", "guest");
  while (block.size() < limits::kLinkHeaderBytes) block += literal("x", std::string(100, 'v'));
  REQUIRE(fixture.run([&]() -> Task<> {
    if (!co_await host.raw->greet('n')) co_return;
    (void)co_await host.raw->send(frame(kHeaders, kEndStream, 1, block.substr(0, 16'000)) +
                                  frame(kContinuation, kEndHeaders, 1, block.substr(16'000)));
    reset = co_await host.raw->receive_frame(kRstStream);
    (void)co_await host.raw->send(frame(kHeaders, kEndStream | kEndHeaders, 3, kGet + literal("host", "guest")));
    answered = co_await host.raw->receive_frame(kHeaders);
  }));
  CHECK(reset);
  CHECK(answered);
}

TEST_CASE("hostile host: a host that asks and never reads is cut off") {
  Fixture fixture;
  RawHost host(fixture);
  bool serves = false;
  std::size_t sent = 0;
  REQUIRE(fixture.run([&]() -> Task<> {
    if (!co_await host.raw->greet('n')) co_return;
    std::string pings;
    for (int i = 0; i < 3'000; ++i) pings += frame(kPing, 0, 0, "12345678");
    // Far more answers than the socket holds: without a limit the guest would keep them all.
    for (; sent < 100; ++sent) (void)co_await host.raw->send(pings);
    serves = co_await greets(fixture, host);
  }));
  CHECK(sent == 100);
  CHECK(serves);
}

TEST_CASE("hostile host: requests opened and reset without end do not pile up handlers") {
  Fixture fixture;
  RawHost host(fixture);
  std::size_t most = 0;
  bool serves = false;
  REQUIRE(fixture.run([&]() -> Task<> {
    if (!co_await host.raw->greet('n')) co_return;
    auto hold = std::string("\x83\x86") + literal(":path", "/hold") + literal("host", "guest");
    for (std::uint32_t id = 1; id < 4'000; id += 2) {
      (void)co_await host.raw->send(frame(kHeaders, kEndHeaders, id, hold) +
                                    frame(kRstStream, 0, id, std::string("\0\0\0\x08", 4)));
      most = std::max(most, host.log->handlers);
    }
    host.log->released = true;
    host.log->go.notify_all();
    serves = co_await greets(fixture, host);
  }));
  CHECK(most > 0);
  CHECK(most <= limits::kLinkStreams);
  CHECK(serves);
}

// Hosts that go and come back over a permanent channel, as with virtio-serial.
#include <fcntl.h>
#include <stdlib.h>
#include <termios.h>

#include "catch.h"
#include "host/files.h"
#include "link/channel.h"
#include "link/fixture.h"
#include "link/sync.h"

using namespace banger;
using namespace banger::link;
using namespace banger::link::test;

namespace {

/// A model of a virtio-serial port: one permanent guest, and one host after another. Bytes in flight are lost when a
/// host goes.
class Port {
 public:
  Port(host::Runtime& runtime, UniqueFd guest) : runtime_(runtime), guest_(*Channel::take(runtime, std::move(guest))) {}

  static Task<> run(std::shared_ptr<Port> self) {
    std::string buffer(32'768, '\0');
    for (;;) {
      auto step = self->guest_->read(buffer);
      if (step.kind == IoStep::Kind::gone) co_return;
      if (step.kind == IoStep::Kind::again)
        co_await self->guest_->readable();
      else
        co_await forward(self->host_, std::string_view(buffer).substr(0, step.bytes));
    }
  }
  /// Connects a host. At most `budget` of its bytes get through; the rest is lost until the host is replaced.
  static UniqueFd attach(std::shared_ptr<Port> self, std::size_t budget) {
    auto ends = make_socketpair();
    self->host_ = *Channel::take(self->runtime_, std::move(ends.guest));
    self->runtime_.spawn(from_host(self, self->host_, budget));
    return std::move(ends.host);
  }

 private:
  using ChannelPtr = std::shared_ptr<Channel>;

  static Task<> forward(ChannelPtr to, std::string_view bytes) {
    while (to && !bytes.empty()) {
      auto step = to->write(bytes);
      if (step.kind == IoStep::Kind::again)
        co_await to->writable();
      else if (step.kind != IoStep::Kind::done)
        co_return;
      bytes.remove_prefix(step.bytes);
    }
  }
  static Task<> from_host(std::shared_ptr<Port> self, ChannelPtr host, std::size_t budget) {
    std::string buffer(32'768, '\0');
    for (;;) {
      auto step = host->read(buffer);
      if (step.kind == IoStep::Kind::gone) break;
      if (step.kind == IoStep::Kind::again) {
        co_await host->readable();
        continue;
      }
      auto part = std::min(step.bytes, budget);
      budget -= part;
      co_await forward(self->guest_, std::string_view(buffer).substr(0, part));
    }
    if (self->host_ == host) self->host_ = nullptr;
  }

  host::Runtime& runtime_;
  ChannelPtr guest_, host_;
};

Task<> push_for_ever(std::shared_ptr<ClientStream> stream, bool* ended) {
  while (co_await stream->write(std::string(40'000, 'x'))) continue;
  *ended = true;
}

Task<bool> greets(std::shared_ptr<Client> client) {
  auto answer = co_await client->call("GET", "/hello", "", soon());
  co_return answer && *answer == "hello you";
}

UniqueFd open_slave(int master) {
  UniqueFd slave(::open(::ptsname(master), O_RDWR | O_NOCTTY | O_CLOEXEC));
  termios raw{};
  ::tcgetattr(slave.get(), &raw);
  ::cfmakeraw(&raw);
  ::tcsetattr(slave.get(), TCSANOW, &raw);
  return slave;
}

}  // namespace

TEST_CASE("resync: hosts replaced in the middle of transfers, with bytes lost, find the guest again") {
  Fixture fixture;
  auto log = std::make_shared<GuestLog>(fixture.runtime);
  auto ends = make_socketpair();
  auto server = start_guest(fixture.runtime, std::move(ends.guest), log);
  auto port = std::make_shared<Port>(fixture.runtime, std::move(ends.host));
  int connected = 0, broken = 0, exact = 0;
  REQUIRE(fixture.run([&]() -> Task<> {
    fixture.runtime.spawn(Port::run(port));
    // Each host is cut off at another point: in a frame, in a frame's head, in the first settings.
    for (std::size_t budget : {3'000'001, 70'000, 33'333, 1'000, 101, 83}) {
      auto client = co_await connect(fixture.runtime, Port::attach(port, budget), kToken, soon());
      if (!client) continue;
      ++connected;
      auto up = co_await (*client)->open({.method = "POST", .path = "/echo"});
      auto down = co_await (*client)->open({.method = "GET", .path = "/source?bytes=100000000"});
      if (!up || !down) continue;
      bool ended = false;
      std::shared_ptr<ClientStream> stream = std::move(*up);
      fixture.runtime.spawn(push_for_ever(stream, &ended));
      for (std::size_t seen = 0; budget > 1'000 && seen < 500'000;) {
        auto part = co_await (*down)->read();
        if (!part || part->empty()) break;
        seen += part->size();
      }
      (*client)->close();
      auto rest = co_await stream->read();
      while (rest && !rest->empty()) rest = co_await stream->read();
      if (!rest && rest.error().code == ErrorCode::unavailable) ++broken;
      co_await (*client)->closed();
      while (!ended) co_await fixture.runtime.sleep_for(std::chrono::milliseconds(1));
    }
    auto last = co_await connect(fixture.runtime, Port::attach(port, SIZE_MAX), kToken, soon());
    if (!last) co_return;
    for (int i = 0; i < 10; ++i) exact += co_await greets(*last);
    while (log->handlers > 0) co_await log->changed.wait(soon());
  }));
  CHECK(connected == 6);
  CHECK(broken == 6);
  CHECK(exact == 10);
}

TEST_CASE("resync: the guest's handlers fail when their host is replaced") {
  Fixture fixture;
  auto log = std::make_shared<GuestLog>(fixture.runtime);
  auto ends = make_socketpair();
  auto second_end = duplicate(ends.host);
  auto server = start_guest(fixture.runtime, std::move(ends.guest), log);
  bool greeted = false;
  REQUIRE(fixture.run([&]() -> Task<> {
    auto first = co_await connect(fixture.runtime, std::move(ends.host), kToken, soon());
    if (!first) co_return;
    auto stream = co_await (*first)->open({.method = "POST", .path = "/echo"});
    while (log->handlers == 0) co_await log->changed.wait(soon());
    (*first)->close();
    auto second = co_await connect(fixture.runtime, std::move(second_end), kToken, soon());
    while (log->handlers > 0) co_await log->changed.wait(soon());
    greeted = second && co_await greets(*second);
  }));
  CHECK(log->last_error == "unavailable");
  CHECK(greeted);
}

TEST_CASE("resync: a hello repeated within its own session changes nothing") {
  Fixture fixture;
  auto log = std::make_shared<GuestLog>(fixture.runtime);
  auto ends = make_socketpair();
  auto server = start_guest(fixture.runtime, std::move(ends.guest), log);
  auto relayed = make_socketpair();
  std::string hello;
  // Between the two, the host's hello is lost. The host sends the hello again later.
  auto up = [](host::Runtime* runtime, int from, int to, std::string* first) -> Task<> {
    char buffer[4096];
    for (;;) {
      (void)co_await host::wait_readable(*runtime, from);
      auto got = ::read(from, buffer, sizeof buffer);
      if (got < 0 && errno == EAGAIN) continue;
      if (got <= 0) co_return;
      if (first && first->empty()) first->assign(buffer, std::min<std::size_t>(got, kHelloBytes));
      (void)host::write_all(to, std::string_view(buffer, got));
    }
  };
  bool before = false, after = false;
  REQUIRE(fixture.run([&]() -> Task<> {
    fixture.runtime.spawn(up(&fixture.runtime, relayed.guest.get(), ends.host.get(), &hello));
    fixture.runtime.spawn(up(&fixture.runtime, ends.host.get(), relayed.guest.get(), nullptr));
    auto client = co_await connect(fixture.runtime, std::move(relayed.host), kToken, soon());
    if (!client) co_return;
    before = co_await greets(*client);
    (void)host::write_all(ends.host.get(), hello);
    after = co_await greets(*client);
  }));
  CHECK(hello.starts_with(kToken));
  CHECK(before);
  CHECK(after);
}

TEST_CASE("resync: a new token counts from the next handshake on") {
  Fixture fixture;
  auto log = std::make_shared<GuestLog>(fixture.runtime);
  auto ends = make_socketpair();
  auto second_end = duplicate(ends.host), third_end = duplicate(ends.host);
  auto server = start_guest(fixture.runtime, std::move(ends.guest), log);
  const std::string token = "fedcba9876543210";
  bool kept = false, renewed = false;
  ErrorCode old_token = ErrorCode::internal;
  REQUIRE(fixture.run([&]() -> Task<> {
    auto first = co_await connect(fixture.runtime, std::move(ends.host), kToken, soon());
    if (!first) co_return;
    server->set_token(token);
    kept = co_await greets(*first);
    (*first)->close();
    auto second =
        co_await connect(fixture.runtime, std::move(second_end), kToken, host::after(std::chrono::milliseconds(50)));
    if (!second) old_token = second.error().code;
    auto third = co_await connect(fixture.runtime, std::move(third_end), token, soon());
    renewed = third && co_await greets(*third);
  }));
  CHECK(kept);
  CHECK(old_token == ErrorCode::timeout);
  CHECK(renewed);
}

TEST_CASE("resync: a guest serves one host after another over a pty that says EIO in between") {
  Fixture fixture;
  auto log = std::make_shared<GuestLog>(fixture.runtime);
  UniqueFd master(::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC));
  REQUIRE(master);
  REQUIRE(::grantpt(master.get()) == 0);
  REQUIRE(::unlockpt(master.get()) == 0);
  int number = master.get();
  int greeted = 0;
  bool exact = false;
  auto server = start_guest(fixture.runtime, std::move(master), log);
  REQUIRE(fixture.run([&]() -> Task<> {
    for (int i = 0; i < 3; ++i) {
      // The guest has had no peer for a while.
      co_await fixture.runtime.sleep_for(std::chrono::milliseconds(10));
      auto client = co_await connect(fixture.runtime, open_slave(number), kToken, soon());
      if (!client) co_return;
      greeted += co_await greets(*client);
      auto stream = co_await (*client)->open({.method = "GET", .path = "/source?bytes=200000"});
      if (!stream) co_return;
      std::string all;
      for (auto part = co_await (*stream)->read(); part && !part->empty(); part = co_await (*stream)->read())
        all += *part;
      exact = all == pattern(0, 200'000);
    }
  }));
  CHECK(greeted == 3);
  CHECK(exact);
}

TEST_CASE("resync: an agent that replaces a dead one ends the session, and waiting requests get the reason") {
  Fixture fixture;
  auto log = std::make_shared<GuestLog>(fixture.runtime);
  auto ends = make_socketpair();
  auto next_host = duplicate(ends.host), next_guest = duplicate(ends.guest);
  auto server = start_guest(fixture.runtime, std::move(ends.guest), log);
  bool alive = true, greeted = false;
  std::string why;
  REQUIRE(fixture.run([&]() -> Task<> {
    auto client = co_await connect(fixture.runtime, std::move(ends.host), kToken, soon());
    if (!client) co_return;
    auto stream = co_await (*client)->open({.method = "POST", .path = "/silent"});
    while (log->handlers == 0) co_await log->changed.wait(soon());
    server.reset();
    // Its last bytes were the start of a frame of 4 KiB on an open stream.
    (void)host::write_all(next_guest.get(), std::string("\0\x10\0\0\0\0\0\0\x01 and then", 18));
    server = start_guest(fixture.runtime, std::move(next_guest), log);
    auto rest = co_await (*stream)->read();
    while (rest && !rest->empty()) rest = co_await (*stream)->read();
    why = rest ? "" : rest.error().message;
    co_await (*client)->closed();
    alive = (*client)->alive();
    auto next = co_await connect(fixture.runtime, std::move(next_host), kToken, soon());
    greeted = next && co_await greets(*next);
  }));
  CHECK(why == "the agent in the guest ended, and another agent has taken its place");
  CHECK(!alive);
  CHECK(greeted);
}

TEST_CASE("resync: after a change of token, the session ends when an agent with the new token arrives") {
  Fixture fixture;
  auto log = std::make_shared<GuestLog>(fixture.runtime);
  auto ends = make_socketpair();
  auto next_guest = duplicate(ends.guest);
  auto server = start_guest(fixture.runtime, std::move(ends.guest), log);
  const std::string token = "fedcba9876543210";
  bool ended = false;
  REQUIRE(fixture.run([&]() -> Task<> {
    auto client = co_await connect(fixture.runtime, std::move(ends.host), kToken, soon());
    if (!client) co_return;
    (*client)->expect(token);
    if (!co_await greets(*client)) co_return;
    server.reset();
    server = make_server(fixture.runtime, std::move(next_guest), token, make_guest(log));
    fixture.runtime.spawn(serve(server));
    co_await (*client)->closed();
    ended = true;
  }));
  CHECK(ended);
}

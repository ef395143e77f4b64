// Requests and answers over a socketpair.
#include "link/link.h"

#include <fcntl.h>
#include <unistd.h>

#include "catch.h"
#include "link/fixture.h"

using namespace banger;
using namespace banger::link;
using namespace banger::link::test;

TEST_CASE("link: a short request gets its answer") {
  Fixture fixture;
  Linked linked(fixture);
  Result<std::string> plain, named, sunk;
  REQUIRE(fixture.run([&]() -> Task<> {
    auto client = co_await linked.connect(fixture);
    if (!client) co_return;
    plain = co_await client->call("GET", "/hello", "", soon());
    named = co_await client->call("GET", "/hello?name=a%20b", "", soon());
    sunk = co_await client->call("POST", "/sink", "abc", soon());
  }));
  CHECK(plain.value() == "hello you");
  CHECK(named.value() == "hello a b");
  CHECK(sunk.value().starts_with("{\"bytes\":3,"));
}

TEST_CASE("link: the guest's error becomes the host's, with safe text") {
  Fixture fixture;
  Linked linked(fixture);
  Result<std::string> refused, missing, broken_path, bad_request;
  REQUIRE(fixture.run([&]() -> Task<> {
    auto client = co_await linked.connect(fixture);
    if (!client) co_return;
    refused = co_await client->call("GET", "/refuse", "", soon());
    missing = co_await client->call("GET", "/nothing?x=1", "", soon());
    broken_path = co_await client->call("GET", "/%zz", "", soon());
    bad_request = co_await client->call("GET", "no path", "", soon());
  }));
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == ErrorCode::denied);
  CHECK(refused.error().message == "no \\x1b[31mway (hint: try root)");
  CHECK(missing.error().code == ErrorCode::not_found);
  CHECK(missing.error().message == "no such thing");
  CHECK(broken_path.error().code == ErrorCode::invalid);
  CHECK(bad_request.error().code == ErrorCode::invalid);
}

TEST_CASE("link: a request that is not answered times out and leaves the others alone") {
  Fixture fixture;
  Linked linked(fixture);
  Result<std::string> silent, other;
  bool alive = false;
  REQUIRE(fixture.run([&]() -> Task<> {
    auto client = co_await linked.connect(fixture);
    if (!client) co_return;
    silent = co_await client->call("GET", "/silent", "", host::after(std::chrono::milliseconds(20)));
    other = co_await client->call("GET", "/hello", "", soon());
    alive = client->alive();
  }));
  REQUIRE_FALSE(silent);
  CHECK(silent.error().code == ErrorCode::timeout);
  CHECK(other);
  CHECK(alive);
}

TEST_CASE("link: an answer without end is refused") {
  Fixture fixture;
  Linked linked(fixture);
  Result<std::string> huge;
  REQUIRE(fixture.run([&]() -> Task<> {
    auto client = co_await linked.connect(fixture);
    if (client) huge = co_await client->call("GET", "/source?bytes=3000000", "", soon());
  }));
  REQUIRE_FALSE(huge);
  CHECK(huge.error().code == ErrorCode::corrupt);
}

TEST_CASE("link: a tunnel carries both ways and closes one way at a time") {
  Fixture fixture;
  Linked linked(fixture);
  Result<int> status;
  std::string back;
  bool ended = false;
  REQUIRE(fixture.run([&]() -> Task<> {
    auto client = co_await linked.connect(fixture);
    if (!client) co_return;
    auto stream = co_await client->open({.method = "CONNECT", .path = "127.0.0.1:22"});
    if (!stream) co_return;
    status = co_await (*stream)->status(soon());
    (void)co_await (*stream)->write("ping");
    while (back.size() < 4) back += (co_await (*stream)->read()).value_or("?????");
    (void)co_await (*stream)->finish();
    auto rest = co_await (*stream)->read();
    ended = rest && rest->empty();
  }));
  CHECK(status.value() == 200);
  CHECK(back == "ping");
  CHECK(ended);
}

TEST_CASE("link: many streams run at once, each with its own bytes") {
  Fixture fixture;
  Linked linked(fixture);
  int good = 0;
  auto one = [](host::Event* done, std::shared_ptr<Client> client, int number, int* count) -> Task<> {
    auto stream = co_await client->open({.method = "POST", .path = "/echo"});
    std::string sent, back;
    if (stream) {
      for (int i = 0; i < 20; ++i) {
        auto part = pattern(std::uint64_t(number) << 32 | i * 777, 777);
        sent += part;
        if (!co_await (*stream)->write(std::move(part))) break;
      }
      (void)co_await (*stream)->finish();
      for (auto part = co_await (*stream)->read(); part && !part->empty(); part = co_await (*stream)->read())
        back += *part;
    }
    if (sent.size() == 20 * 777 && sent == back) ++*count;
    done->notify_all();
  };
  host::Event done(fixture.runtime);
  REQUIRE(fixture.run([&]() -> Task<> {
    auto client = co_await linked.connect(fixture);
    if (!client) co_return;
    for (int i = 0; i < 200; ++i) fixture.runtime.spawn(one(&done, client, i, &good));
    while (good < 200) co_await done.wait(soon());
  }));
  CHECK(good == 200);
}

TEST_CASE("link: one stream too many is refused at once, not queued") {
  Fixture fixture;
  Linked linked(fixture);
  std::size_t opened = 0;
  Result<std::unique_ptr<ClientStream>> last;
  Result<std::string> after = fail(ErrorCode::internal, "not asked");
  REQUIRE(fixture.run([&]() -> Task<> {
    auto client = co_await linked.connect(fixture);
    if (!client) co_return;
    std::vector<std::unique_ptr<ClientStream>> streams;
    while ((last = co_await client->open({.method = "POST", .path = "/hold"}))) streams.push_back(std::move(*last));
    opened = streams.size();
    while (linked.log->handlers < opened) co_await linked.log->changed.wait(soon());
    streams.clear();
    linked.log->released = true;
    linked.log->go.notify_all();
    while (linked.log->handlers > 0) co_await linked.log->changed.wait(soon());
    after = co_await client->call("GET", "/hello", "", soon());
  }));
  CHECK(opened == 256);
  CHECK(last.error().code == ErrorCode::exhausted);
  CHECK(after.value() == "hello you");
}

TEST_CASE("link: an early answer counts though the request was not read to its end") {
  Fixture fixture;
  Linked linked(fixture);
  Result<int> status;
  std::string answer;
  bool refused = false;
  REQUIRE(fixture.run([&]() -> Task<> {
    auto client = co_await linked.connect(fixture);
    if (!client) co_return;
    auto stream = co_await client->open({.method = "POST", .path = "/early"});
    if (!stream) co_return;
    status = co_await (*stream)->status(soon());
    for (auto part = co_await (*stream)->read(); part && !part->empty(); part = co_await (*stream)->read())
      answer += *part;
    for (int i = 0; i < 100 && !refused; ++i) refused = !co_await (*stream)->write(std::string(60'000, 'x'));
  }));
  CHECK(status.value() == 200);
  CHECK(answer == "enough");
  CHECK(refused);
}

namespace {

// The guest reads an empty channel from now on. `open` keeps the host from seeing an end.
void silence(int guest, UniqueFd& idle) {
  auto ends = make_socketpair();
  ::fcntl(ends.host.get(), F_SETFL, O_NONBLOCK);
  ::dup2(ends.host.get(), guest);
  idle = std::move(ends.guest);
}

}  // namespace

TEST_CASE("link: a guest that owes an answer and has died ends the request before its deadline") {
  Fixture fixture;
  Linked linked(fixture);
  UniqueFd idle, open = duplicate(linked.guest);
  Result<std::string> slow, dead;
  REQUIRE(fixture.run([&]() -> Task<> {
    auto patience = std::chrono::milliseconds(10);
    auto client = co_await link::connect(fixture.runtime, std::move(linked.ends.host), kToken, soon(), patience);
    if (!client) co_return;
    // A guest that works for a long time answers PING meanwhile.
    slow = co_await (*client)->call("GET", "/silent", "", host::after(std::chrono::milliseconds(100)));
    silence(linked.guest, idle);
    dead = co_await (*client)->call("GET", "/silent", "", host::after(std::chrono::hours(1)));
  }));
  REQUIRE_FALSE(slow);
  REQUIRE_FALSE(dead);
  CHECK(dead.error().code == ErrorCode::timeout);
}

TEST_CASE("link: a silent guest ends the requests that do not wait for it, and no other") {
  Fixture fixture;
  Linked linked(fixture);
  Result<int> transfer, shell;
  Result<> write;
  std::string echoed;
  REQUIRE(fixture.run([&]() -> Task<> {
    auto client = co_await linked.connect(fixture);
    if (!client) co_return;
    auto impatient = co_await client->open({.method = "GET", .path = "/silent", .on_silence = OnSilence::end});
    auto patient = co_await client->open({.method = "POST", .path = "/echo"});
    if (!impatient || !patient) co_return;
    client->fell_silent();
    transfer = co_await (*impatient)->status(soon());
    write = co_await (*impatient)->write("x");
    shell = co_await (*patient)->status(soon());
    (void)co_await (*patient)->write("still here");
    (void)co_await (*patient)->finish();
    for (auto part = co_await (*patient)->read(); part && !part->empty(); part = co_await (*patient)->read())
      echoed += *part;
  }));
  REQUIRE_FALSE(transfer);
  CHECK(transfer.error().code == ErrorCode::timeout);
  CHECK(transfer.error().message == "the guest has stopped answering");
  CHECK_FALSE(write);
  CHECK(shell.value() == 200);
  CHECK(echoed == "still here");
}

TEST_CASE("link: a ping is answered without a request, and a silent guest is a timeout that breaks nothing") {
  Fixture fixture;
  Linked linked(fixture);
  UniqueFd idle, open = duplicate(linked.guest);
  REQUIRE(fixture.run([&]() -> Task<> {
    auto client = co_await linked.connect(fixture);
    CHECK(client);
    if (!client) co_return;
    auto before = host::Clock::now();
    auto answered = co_await client->ping(soon());
    CHECK(answered);
    CHECK(client->last_heard() >= before);
    silence(linked.guest, idle);
    // The second question waits for the answer to the first one.
    for (int i = 0; i < 2; ++i) {
      auto timed_out = co_await client->ping(host::after(std::chrono::milliseconds(20)));
      CHECK((!timed_out && timed_out.error().code == ErrorCode::timeout));
      CHECK(client->alive());
    }
    std::optional<ErrorCode> code;
    auto ask = [](std::shared_ptr<Client> asked, std::optional<ErrorCode>* into) -> Task<> {
      auto answer = co_await asked->ping(soon());
      if (!answer) *into = answer.error().code;
    };
    fixture.runtime.spawn(ask(client, &code));
    client->close();
    while (!code) co_await fixture.runtime.sleep_for(std::chrono::milliseconds(1));
    CHECK(code == ErrorCode::unavailable);
    auto closed = co_await client->ping(soon());
    CHECK((!closed && closed.error().code == ErrorCode::unavailable));
  }));
}

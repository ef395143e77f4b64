// Streams, clients, servers and the runtime, destroyed in every order. Sanitizers watch.
#include <sys/mman.h>

#include "catch.h"
#include "link/fixture.h"

using namespace banger;
using namespace banger::link;
using namespace banger::link::test;

namespace {

using StreamPtr = std::shared_ptr<ClientStream>;

/// The results of waiting coroutines.
struct Outcome {
  explicit Outcome(host::Runtime& runtime) : changed(runtime) {}
  host::Event changed;
  int done = 0;
  std::vector<ErrorCode> codes;
  void add(const Error* error) {
    if (error) codes.push_back(error->code);
    ++done;
    changed.notify_all();
  }
};

Task<> keep_reading(ClientStream* stream, std::shared_ptr<Outcome> outcome) {
  auto part = co_await stream->read();
  outcome->add(part ? nullptr : &part.error());
}

Task<> keep_writing(ClientStream* stream, std::shared_ptr<Outcome> outcome) {
  auto written = co_await stream->write(std::string(8'000'000, 'x'));
  outcome->add(written ? nullptr : &written.error());
}

Task<> keep_waiting(ClientStream* stream, std::shared_ptr<Outcome> outcome) {
  auto status = co_await stream->status(soon());
  outcome->add(status ? nullptr : &status.error());
}

Task<> until(std::shared_ptr<Outcome> outcome, int done) {
  while (outcome->done < done) co_await outcome->changed.wait(soon());
}

}  // namespace

TEST_CASE("lifetime: a stream destroyed while others wait on it wakes them and resets it") {
  Fixture fixture;
  Linked linked(fixture);
  auto outcome = std::make_shared<Outcome>(fixture.runtime);
  REQUIRE(fixture.run([&]() -> Task<> {
    auto client = co_await linked.connect(fixture);
    auto hold = co_await client->open({.method = "POST", .path = "/echo"});
    while (linked.log->handlers == 0) co_await linked.log->changed.wait(soon());
    fixture.runtime.spawn(keep_writing(hold->get(), outcome));
    fixture.runtime.spawn(keep_reading(hold->get(), outcome));
    hold->reset();
    co_await until(outcome, 2);
    while (linked.log->handlers > 0) co_await linked.log->changed.wait(soon());
  }));
  CHECK(outcome->codes == std::vector{ErrorCode::cancelled, ErrorCode::cancelled});
  CHECK(linked.log->last_error == "cancelled");
}

TEST_CASE("lifetime: a link that breaks wakes readers, writers and waits for a head") {
  Fixture fixture;
  Linked linked(fixture);
  auto outcome = std::make_shared<Outcome>(fixture.runtime);
  Result<std::unique_ptr<ClientStream>> late;
  bool alive = true;
  REQUIRE(fixture.run([&]() -> Task<> {
    auto client = co_await linked.connect(fixture);
    auto one = co_await client->open({.method = "POST", .path = "/hold"});
    auto two = co_await client->open({.method = "GET", .path = "/silent"});
    while (linked.log->handlers < 2) co_await linked.log->changed.wait(soon());
    fixture.runtime.spawn(keep_writing(one->get(), outcome));
    fixture.runtime.spawn(keep_reading(one->get(), outcome));
    fixture.runtime.spawn(keep_waiting(two->get(), outcome));
    client->close();
    co_await until(outcome, 3);
    alive = client->alive();
    late = co_await client->open({.method = "GET", .path = "/hello"});
    client.reset();  // before its streams
  }));
  CHECK(outcome->codes == std::vector(3, ErrorCode::unavailable));
  CHECK_FALSE(alive);
  CHECK(late.error().code == ErrorCode::unavailable);
}

TEST_CASE("lifetime: a server that is destroyed stops serving and hangs up") {
  Fixture fixture;
  auto log = std::make_shared<GuestLog>(fixture.runtime);
  auto ends = make_socketpair();
  auto server = make_server(fixture.runtime, std::move(ends.guest), kToken, make_guest(log));
  auto outcome = std::make_shared<Outcome>(fixture.runtime);
  ErrorCode served = ErrorCode::internal, read = ErrorCode::internal;
  auto run = [](Server* s, std::shared_ptr<Outcome> o, ErrorCode* code) -> Task<> {
    auto result = co_await s->serve();
    *code = result ? ErrorCode::internal : result.error().code;
    o->add(nullptr);
  };
  REQUIRE(fixture.run([&]() -> Task<> {
    fixture.runtime.spawn(run(server.get(), outcome, &served));
    auto client = co_await connect(fixture.runtime, std::move(ends.host), kToken, soon());
    auto stream = co_await (*client)->open({.method = "POST", .path = "/echo"});
    while (log->handlers == 0) co_await log->changed.wait(soon());
    server.reset();
    co_await until(outcome, 1);
    auto part = co_await (*stream)->read();
    if (!part) read = part.error().code;
    co_await (*client)->closed();
    while (log->handlers > 0) co_await log->changed.wait(soon());
  }));
  CHECK(served == ErrorCode::cancelled);
  CHECK(read == ErrorCode::unavailable);
  CHECK(log->last_error == "unavailable");
}

TEST_CASE("lifetime: a handler that ends without an answer fails its request, not the link") {
  Fixture fixture;
  Linked linked(fixture);
  Result<std::string> dropped, after;
  REQUIRE(fixture.run([&]() -> Task<> {
    auto client = co_await linked.connect(fixture);
    dropped = co_await client->call("GET", "/drop", "", soon());
    after = co_await client->call("GET", "/hello", "", soon());
  }));
  CHECK(dropped.error().code == ErrorCode::unavailable);
  CHECK(after);
}

TEST_CASE("lifetime: streams destroyed at any moment leave the link as good as new") {
  Fixture fixture;
  Linked linked(fixture);
  Result<std::string> after;
  REQUIRE(fixture.run([&]() -> Task<> {
    auto client = co_await linked.connect(fixture);
    for (int i = 0; i < 105; ++i) {
      auto up = co_await client->open({.method = "POST", .path = "/echo"});
      auto down = co_await client->open({.method = "GET", .path = "/source?bytes=500000"});
      if (!up || !down) co_return;
      for (int turn = 0; turn < i % 5; ++turn) (void)co_await (*up)->write(std::string(10'000, 'x'));
      if (i % 3 == 1) (void)co_await (*up)->finish();
      if (i % 3 == 2) (void)co_await (*down)->read();
      if (i % 7 == 3) (void)co_await (*up)->status(soon());
    }
    after = co_await client->call("POST", "/sink", std::string(100'000, 'x'), soon());
  }));
  REQUIRE(after);
  CHECK(after->starts_with("{\"bytes\":100000,"));
}

TEST_CASE("lifetime: a runtime that stops in the middle of everything takes it all down") {
  Fixture fixture;
  Linked linked(fixture);
  auto outcome = std::make_shared<Outcome>(fixture.runtime);
  auto hold_on = [](std::shared_ptr<Client> client, StreamPtr stream, std::shared_ptr<Outcome> o) -> Task<> {
    o->add(nullptr);
    (void)co_await stream->write(std::string(8'000'000, 'x'));
    co_await client->closed();
  };
  auto call = [](std::shared_ptr<Client> client) -> Task<> {
    (void)co_await client->call("GET", "/silent", "", soon());
  };
  REQUIRE(fixture.run([&]() -> Task<> {
    auto client = co_await linked.connect(fixture);
    StreamPtr stream = std::move(*co_await client->open({.method = "POST", .path = "/hold"}));
    fixture.runtime.spawn(hold_on(client, stream, outcome));
    fixture.runtime.spawn(hold_on(client, stream, outcome));
    fixture.runtime.spawn(call(client));
    while (linked.log->handlers < 2) co_await linked.log->changed.wait(soon());
  }));
  CHECK(outcome->done == 2);
}

TEST_CASE("lifetime: a server on a descriptor that cannot be a channel fails") {
  Fixture fixture;
  UniqueFd file(::memfd_create("x", MFD_CLOEXEC));
  ErrorCode file_code = ErrorCode::internal, token_code = ErrorCode::internal;
  REQUIRE(fixture.run([&]() -> Task<> {
    auto on_file = make_server(fixture.runtime, std::move(file), kToken, {});
    auto served = co_await on_file->serve();
    if (!served) file_code = served.error().code;
    auto on_token = make_server(fixture.runtime, std::move(make_socketpair().guest), "short", {});
    served = co_await on_token->serve();
    if (!served) token_code = served.error().code;
  }));
  CHECK(file_code == ErrorCode::invalid);
  CHECK(token_code == ErrorCode::invalid);
}

// Bulk transfer and flow control.
#include "base/bounds.h"
#include "catch.h"
#include "link/bounds.h"
#include "link/fixture.h"

using namespace banger;
using namespace banger::link;
using namespace banger::link::test;

namespace {

constexpr std::size_t kBulk = 50 * limits::kMiB;
/// The most bytes in flight on one stream whose reader does nothing: the window, the writer's queue and the last write.
constexpr std::size_t kMostInFlight = limits::kLinkStreamWindowBytes + limits::kLinkQueueBytes + 64 * limits::kKiB;

using StreamPtr = std::shared_ptr<ClientStream>;

struct Upload {
  explicit Upload(host::Runtime& runtime) : changed(runtime) {}
  host::Event changed;
  std::size_t written = 0;
  bool done = false;
};

Task<> upload(StreamPtr stream, std::shared_ptr<Upload> up, std::size_t size) {
  for (std::size_t at = 0; at < size;) {
    auto part = pattern(at, std::min<std::size_t>(size - at, 50'000));
    at += part.size();
    if (!co_await stream->write(std::move(part))) break;
    up->written = at;
    up->changed.notify_all();
  }
  (void)co_await stream->finish();
  up->done = true;
  up->changed.notify_all();
}

Task<std::string> read_all(StreamPtr stream) {
  std::string all;
  for (auto part = co_await stream->read(); part && !part->empty(); part = co_await stream->read()) all += *part;
  co_return all;
}

Task<StreamPtr> open(std::shared_ptr<Client> client, std::string method, std::string path) {
  auto stream = co_await client->open({.method = std::move(method), .path = std::move(path)});
  co_return stream ? std::move(*stream) : nullptr;
}

/// Sends short requests until `count` no longer changes. They still run while the bulk stream waits.
Task<bool> settles(std::shared_ptr<Client> client, const std::size_t& count) {
  for (std::size_t before = count, still = 0; still < 100; before = count) {
    if (!co_await client->call("GET", "/hello", "", soon())) co_return false;
    still = count == before ? still + 1 : 0;
  }
  co_return true;
}

/// The guest's answer when it has received all of the pattern.
std::string whole(std::size_t size) { return "{\"bytes\":" + std::to_string(size) + ",\"pattern\":true}"; }

}  // namespace

TEST_CASE("flow: 50 MB each way at once arrive bit for bit") {
  Fixture fixture;
  Linked linked(fixture);
  auto up = std::make_shared<Upload>(fixture.runtime);
  std::string answer;
  std::size_t received = 0;
  bool exact = true;
  REQUIRE(fixture.run([&]() -> Task<> {
    auto client = co_await linked.connect(fixture);
    auto sink = co_await open(client, "POST", "/sink");
    auto source = co_await open(client, "GET", "/source?bytes=" + std::to_string(kBulk));
    fixture.runtime.spawn(upload(sink, up, kBulk));
    for (auto part = co_await source->read(); part && !part->empty(); part = co_await source->read()) {
      exact = exact && *part == pattern(received, part->size());
      received += part->size();
    }
    answer = co_await read_all(sink);
  }));
  CHECK(received == kBulk);
  CHECK(exact);
  CHECK(answer == whole(kBulk));
}

TEST_CASE("flow: a guest that does not read stops only its writer") {
  Fixture fixture;
  Linked linked(fixture);
  auto up = std::make_shared<Upload>(fixture.runtime);
  constexpr std::size_t kSize = 8 * limits::kMiB;
  std::size_t stopped_at = 0;
  bool others_run = false;
  std::string answer;
  REQUIRE(fixture.run([&]() -> Task<> {
    auto client = co_await linked.connect(fixture);
    auto hold = co_await open(client, "POST", "/hold");
    fixture.runtime.spawn(upload(hold, up, kSize));
    others_run = co_await settles(client, up->written);
    stopped_at = up->written;
    linked.log->released = true;
    linked.log->go.notify_all();
    answer = co_await read_all(hold);
  }));
  CHECK(others_run);
  CHECK(stopped_at > limits::kLinkStreamWindowBytes / 2);
  CHECK(stopped_at <= kMostInFlight);
  CHECK(answer == whole(kSize));
}

TEST_CASE("flow: slow readers on the host stop only their writers in the guest") {
  Fixture fixture;
  Linked linked(fixture);
  constexpr std::size_t kSize = 4 * limits::kMiB, kStreams = 8;
  std::size_t stopped_at = 0, exact = 0;
  bool others_run = false;
  REQUIRE(fixture.run([&]() -> Task<> {
    auto client = co_await linked.connect(fixture);
    std::vector<StreamPtr> streams;
    for (std::size_t i = 0; i < kStreams; ++i)
      streams.push_back(co_await open(client, "GET", "/source?bytes=" + std::to_string(kSize)));
    // Together they fill more than the connection's window, which must not matter.
    others_run = co_await settles(client, linked.log->written);
    stopped_at = linked.log->written;
    for (auto& stream : streams)
      if (co_await read_all(stream) == pattern(0, kSize)) ++exact;
  }));
  CHECK(others_run);
  CHECK(stopped_at > limits::kLinkConnectionWindowBytes);
  CHECK(stopped_at <= kStreams * kMostInFlight);
  CHECK(exact == kStreams);
}

TEST_CASE("flow: one huge write is sent whole and waits for its reader") {
  Fixture fixture;
  Linked linked(fixture);
  constexpr std::size_t kSize = 16 * limits::kMiB;
  std::string answer;
  REQUIRE(fixture.run([&]() -> Task<> {
    auto client = co_await linked.connect(fixture);
    auto sink = co_await open(client, "POST", "/sink");
    auto bytes = pattern(0, kSize);
    (void)co_await sink->write(std::move(bytes));
    (void)co_await sink->finish();
    answer = co_await read_all(sink);
  }));
  CHECK(answer == whole(kSize));
}

TEST_CASE("flow: single bytes arrive in order") {
  Fixture fixture;
  Linked linked(fixture);
  std::string back;
  auto sent = pattern(0, 20'000);
  REQUIRE(fixture.run([&]() -> Task<> {
    auto client = co_await linked.connect(fixture);
    auto echo = co_await open(client, "POST", "/echo");
    for (char c : sent) (void)co_await echo->write(std::string(1, c));
    (void)co_await echo->finish();
    back = co_await read_all(echo);
  }));
  CHECK(back == sent);
}

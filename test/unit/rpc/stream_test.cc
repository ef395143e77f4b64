// Stream calls: the change to a stream loses no byte, a half-close ends the data, and a full close means that the
// caller has gone.
#include <nlohmann/json.hpp>

#include "base/bounds.h"
#include "catch.h"
#include "fixture.h"
#include "rpc/bounds.h"

using namespace banger;
using namespace banger::rpc;
using test::Daemon;
using test::Raw;
using test::request;

TEST_CASE("stream: after the answer the connection carries raw bytes both ways") {
  Daemon daemon;
  auto stream = daemon.client().open_stream("stream_echo", {});
  REQUIRE(stream);
  CHECK(stream->result == Json{{"ready", true}});
  Raw raw(std::move(stream->socket));
  raw.send("not json\n{\"id\":1}\n");
  CHECK(raw.line() == "not json");
  CHECK(raw.line() == "{\"id\":1}");
  raw.half_close();
  CHECK(raw.rest() == "the end\n");
}

TEST_CASE("stream: bytes behind the request line belong to the stream") {
  Daemon daemon;
  Raw raw(daemon.connect());
  std::string early = "early\n" + request(2, "echo");
  raw.send(request(1, "stream_echo") + early);
  CHECK(raw.json().at("result") == Json{{"ready", true}});
  raw.send("late\n");
  raw.half_close();
  CHECK(raw.rest() == early + "late\nthe end\n");
}

TEST_CASE("stream: more early bytes than are held, and their end, wait for the hand-over") {
  Daemon daemon;
  Raw raw(daemon.connect());
  std::string early;
  while (early.size() < 5 * limits::kRpcReadBytes) early += std::to_string(early.size()) + "\n";
  raw.send(request(1, "stream_gate"));
  std::thread sender([&] {
    raw.send(early);
    raw.half_close();
  });
  CHECK(raw.json().at("method") == "progress");
  daemon.await_started(1);
  daemon.open_gate();
  CHECK(raw.json().at("result") == Json{{"ready", true}});
  CHECK(raw.rest() == early + "the end\n");
  sender.join();
}

TEST_CASE("stream: a caller that closes before the hand-over cancels the call") {
  for (std::size_t early : {std::size_t{0}, std::size_t{10}, 3 * limits::kRpcReadBytes}) {
    Daemon daemon;
    {
      Raw raw(daemon.connect());
      raw.send(request(1, "stream_gate"));
      daemon.await_started(1);
      std::thread sender([&] { raw.send(std::string(early, 'x')); });
      CHECK(raw.json().at("method") == "progress");
      sender.join();
    }
    daemon.await_cancelled(1);
  }
}

TEST_CASE("stream: a caller that closes cancels a method that neither reads nor writes") {
  Daemon daemon;
  {
    auto stream = daemon.client().open_stream("stream_wait", {});
    REQUIRE(stream);
    daemon.await_started(1);
  }
  daemon.await_cancelled(1);
}

TEST_CASE("stream: it must be the only call on its connection") {
  Daemon daemon;
  auto client = daemon.client();
  auto other = client.send("gate", {});
  auto refused = client.call("stream_echo", {});
  CHECK(refused.error().code == ErrorCode::invalid);
  daemon.open_gate();
  CHECK(client.receive()->id == *other);
  CHECK(std::move(client).open_stream("stream_echo", {}));
}

TEST_CASE("stream: when it fails, the bytes behind it are never parsed as a call") {
  Daemon daemon;
  Raw raw(daemon.connect());
  raw.send(request(1, "stream_fail") + request(2, "echo"));
  CHECK(raw.json().at("error").at("data").at("code") == "not_found");
  CHECK(raw.rest() == "");
  CHECK(daemon.client().open_stream("stream_fail", {}).error().message == "no such VM");
}

TEST_CASE("stream: a method that was not added as a stream cannot become one") {
  Daemon daemon;
  CHECK(daemon.client().call("not_a_stream", {}).error().code == ErrorCode::internal);
}

TEST_CASE("stream: a call without an id is not started, because it cannot be answered") {
  Daemon daemon;
  Raw raw(daemon.connect());
  raw.send("{\"method\":\"stream_echo\"}\n" + request(1, "echo"));
  CHECK(raw.json().at("id") == 1);
}

TEST_CASE("stream: many megabytes echo back unchanged") {
  Daemon daemon;
  auto stream = daemon.client().open_stream("stream_echo", {});
  REQUIRE(stream);
  Raw raw(std::move(stream->socket));
  std::string sent;
  while (sent.size() < 8 * limits::kMiB) sent += std::to_string(sent.size() * 2654435761u) + "\n";
  std::thread sender([&] {
    raw.send(sent);
    raw.half_close();
  });
  bool same = raw.rest() == sent + "the end\n";
  sender.join();
  CHECK(same);
}

TEST_CASE("stream: a caller that disconnects in the middle ends the method") {
  for (int round = 0; round < 20; ++round) {
    Daemon daemon;
    auto stream = daemon.client().open_stream("stream_echo", {});
    REQUIRE(stream);
    Raw raw(std::move(stream->socket));
    raw.send("line\n" + std::string(100000, 'x'));
    if (round % 2) raw.line();
    raw.close();
    daemon.stop();
  }
}

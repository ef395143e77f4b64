// The client against a faulty daemon, which dies, sends wrong data, is slow, or is interrupted. The other end is a bare
// socket.
#include "rpc/client.h"

#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include "base/bounds.h"
#include "catch.h"
#include "fixture.h"

using namespace banger;
using namespace banger::rpc;
using test::Raw;

namespace {

struct Pair {
  Pair() {
    int fds[2];
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) == 0);
    ours = UniqueFd(fds[0]);
    theirs = UniqueFd(fds[1]);
  }
  UniqueFd ours, theirs;
};

// The client's result for a prepared answer, after which the daemon's end is closed.
Result<Json> answer_with(const std::string& bytes) {
  Pair pair;
  Raw(std::move(pair.theirs)).send(bytes);
  return Client(std::move(pair.ours)).call("m", {});
}

}  // namespace

TEST_CASE("client: a daemon that closes instead of answering is reported as gone") {
  for (const char* bytes : {"", "{\"id\":1,\"resu", "{\"method\":\"progress\",\"params\":{\"id\":1}}\n"}) {
    auto failed = answer_with(bytes);
    REQUIRE_FALSE(failed);
    CHECK(failed.error().code == ErrorCode::unavailable);
    CHECK(failed.error().message == "the daemon went away");
  }
}

TEST_CASE("client: the reason of a refusal is reported, not the closed connection") {
  auto failed = answer_with(encode_error({}, Error{ErrorCode::denied, "not you"}));
  CHECK(failed.error().code == ErrorCode::denied);
  CHECK(failed.error().message == "not you");
}

TEST_CASE("client: a malformed answer is an error, not a hang") {
  Pair pair;
  Raw daemon(std::move(pair.theirs));
  daemon.send("what?\n");
  CHECK(Client(std::move(pair.ours)).call("m", {}).error().code == ErrorCode::invalid);
}

TEST_CASE("client: a line without end from the daemon is refused") {
  Pair pair;
  Raw daemon(std::move(pair.theirs));
  std::thread sender([&] { daemon.send(std::string(3 * limits::kMiB, 'x')); });
  {
    Client client(std::move(pair.ours));
    CHECK(client.call("m", {}).error().code == ErrorCode::invalid);
  }
  sender.join();
}

TEST_CASE("client: an interrupt ends the wait, and closing afterwards cancels the call in the daemon") {
  Pair pair;
  UniqueFd interrupt(::eventfd(1, EFD_CLOEXEC));
  Raw daemon(std::move(pair.theirs));
  {
    Client client(std::move(pair.ours));
    CHECK(client.call("m", {}, {}, interrupt.get()).error().code == ErrorCode::cancelled);
  }
  daemon.rest();
}

TEST_CASE("client: an interrupt in the middle of a wait ends it") {
  test::Daemon daemon;
  UniqueFd interrupt(::eventfd(0, EFD_CLOEXEC));
  std::thread waker([&] {
    daemon.await_started(1);
    ::eventfd_write(interrupt.get(), 1);
  });
  {
    auto client = daemon.client();
    CHECK(client.call("wait", {}, {}, interrupt.get()).error().code == ErrorCode::cancelled);
  }
  waker.join();
  daemon.await_cancelled(1);
}

TEST_CASE("client: parameters over one message are refused before anything is sent") {
  Pair pair;
  Client client(std::move(pair.ours));
  CHECK(client.call("m", std::string(limits::kRpcMessageBytes, 'x')).error().code == ErrorCode::invalid);
  Raw daemon(std::move(pair.theirs));
  UniqueFd interrupt(::eventfd(1, EFD_CLOEXEC));
  CHECK(::recv(daemon.fd(), nullptr, 0, MSG_DONTWAIT) < 0);
}

TEST_CASE("client: answers of other calls are kept for receive") {
  test::Daemon daemon;
  auto client = daemon.client();
  auto first = client.send("echo", {{"n", 1}});
  auto second = client.send("echo", {{"n", 2}});
  CHECK(client.call("echo", {{"n", 3}}) == Json{{"n", 3}});
  CHECK(client.receive()->id == *first);
  CHECK(client.receive()->id == *second);
}

TEST_CASE("client: sending much while the daemon answers much does not deadlock") {
  test::Daemon daemon;
  auto client = daemon.client();
  std::string large(limits::kRpcMessageBytes / 2, 'x');
  for (int i = 0; i < 6; ++i) REQUIRE(client.send("echo", {{"text", large}}));
  for (int i = 0; i < 6; ++i) {
    auto reply = client.receive();
    REQUIRE(reply);
    CHECK(reply->result.at("text").get_ref<const std::string&>() == large);
  }
}

TEST_CASE("client: bytes behind the answer are the first of the stream") {
  Pair pair;
  Raw daemon(std::move(pair.theirs));
  daemon.send(encode_result(1, {{"ok", true}}) + "first bytes");
  auto stream = Client(std::move(pair.ours)).open_stream("m", {});
  REQUIRE(stream);
  CHECK(stream->result == Json{{"ok", true}});
  CHECK(stream->first_bytes == "first bytes");
  daemon.send("more");
  char more[4];
  CHECK(::recv(stream->socket.get(), more, 4, MSG_WAITALL) == 4);
}

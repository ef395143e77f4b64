// Frames that a keeper takes from its clients, and frames that do not fit.
#include "roles/agent/exec/sessions/keeper_input.h"

#include <sys/socket.h>

#include <string>
#include <vector>

#include "catch.h"
#include "host/files.h"

using namespace banger;
using namespace banger::roles::agent;
using link::FrameType;

namespace {

struct Pair {
  Pair() {
    int fds[2];
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds) == 0);
    client.socket = UniqueFd(fds[0]);
    peer = UniqueFd(fds[1]);
  }
  void send(FrameType type, std::string_view payload) {
    std::string bytes;
    link::encode_frame(type, payload, bytes);
    REQUIRE(host::write_all(peer.get(), bytes).has_value());
  }
  KeeperClient client;
  UniqueFd peer;
};

}  // namespace

TEST_CASE("keeper input: a frame that does not fit waits, with all frames behind it") {
  Pair pair;
  std::vector<std::string> taken;
  bool room = false;
  auto take = [&](const link::Frame& frame) {
    if (!room) return false;
    taken.push_back(frame.payload);
    return true;
  };
  pair.send(FrameType::stdin_data, "one");
  pair.send(FrameType::stdin_data, "two");
  read_client(pair.client, take);
  CHECK(pair.client.waiting);
  CHECK(taken.empty());
  retry_client(pair.client, take);
  CHECK(taken.empty());
  room = true;
  retry_client(pair.client, take);
  CHECK(taken == std::vector<std::string>{"one", "two"});
  CHECK_FALSE(pair.client.waiting);
  CHECK_FALSE(pair.client.over);
  pair.peer.reset();
  read_client(pair.client, take);
  CHECK(pair.client.over);
}

TEST_CASE("keeper input: bytes that are no frames end the client") {
  Pair pair;
  REQUIRE(host::write_all(pair.peer.get(), "GET / HTTP/1.1").has_value());
  read_client(pair.client, [](const auto&) { return true; });
  CHECK(pair.client.over);
}

TEST_CASE("keeper input: news never block, however little the client reads") {
  Pair pair;
  for (int i = 0; i < 100'000; ++i) notify_client(pair.client);
  char byte = 1;
  CHECK(::recv(pair.peer.get(), &byte, 1, 0) == 1);
}

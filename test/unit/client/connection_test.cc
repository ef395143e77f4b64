// Calls over a socket pair. The test has the other end.
#include "client/connection.h"

#include <sys/socket.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include "api/objects/vm.h"
#include "catch.h"
#include "rpc/protocol.h"

using namespace banger;
using namespace banger::client;

namespace {

struct Fixture {
  Fixture() {
    int ends[2];
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
    connection.emplace(UniqueFd(ends[0]));
    daemon = UniqueFd(ends[1]);
  }
  /// The answer is sent before the call. This works because the first call of a connection has the id 1.
  void answer(const std::string& line) {
    REQUIRE(::send(daemon.get(), line.data(), line.size(), 0) == static_cast<ssize_t>(line.size()));
  }

  std::optional<Connection> connection;
  UniqueFd daemon;
};

}  // namespace

TEST_CASE("connection: a result is read as an object, and progress is reported") {
  Fixture f;
  f.answer(rpc::encode_progress(1, "boot", "waiting", 10));
  f.answer(rpc::encode_result(1, {{"name", "web"}, {"state", "running"}, {"vcpus", 4}}));
  std::vector<std::string> stages;
  auto vm = f.connection->get<api::VmObject>(
      "vm.show", {{"vm", "web"}}, {.progress = [&](const rpc::ProgressUpdate& each) { stages.push_back(each.stage); }});
  REQUIRE(vm);
  CHECK(vm->name == "web");
  CHECK(vm->state == vm::State::running);
  CHECK(vm->vcpus == 4);
  CHECK(stages == std::vector<std::string>{"boot"});
}

TEST_CASE("connection: the caller gets the daemon's error") {
  Fixture f;
  f.answer(rpc::encode_error(1, {ErrorCode::not_found, "there is no VM 'web'"}));
  auto vm = f.connection->get<api::VmObject>("vm.show", {{"vm", "web"}});
  REQUIRE_FALSE(vm);
  CHECK(vm.error().code == ErrorCode::not_found);
}

TEST_CASE("connection: the error for a wrong result names the field") {
  Fixture f;
  f.answer(rpc::encode_result(1, {{"vcpus", "many"}}));
  auto vm = f.connection->get<api::VmObject>("vm.show", {{"vm", "web"}});
  REQUIRE_FALSE(vm);
  CHECK(vm.error().message == "field 'vcpus': must be a whole number");
}

TEST_CASE("connection: a daemon that does not answer in time is a timeout, and an interrupt a cancellation") {
  Fixture f;
  auto late = f.connection->call_within("vm.list", Json::object(), std::chrono::milliseconds(1));
  REQUIRE_FALSE(late);
  CHECK(late.error().code == ErrorCode::timeout);
  auto timer = timer_after(std::chrono::milliseconds(0));
  REQUIRE(timer);
  auto cancelled = f.connection->call("vm.list", Json::object(), {.interrupt_fd = timer->get()});
  REQUIRE_FALSE(cancelled);
  CHECK(cancelled.error().code == ErrorCode::cancelled);
}

TEST_CASE("connection: a stream begins with the bytes behind the answer") {
  Fixture f;
  f.answer(rpc::encode_result(1, {{"name", "web"}}) + "first bytes");
  auto stream = std::move(*f.connection).open_stream("vm.logs", {{"vm", "web"}});
  REQUIRE(stream);
  CHECK(stream->result["name"] == "web");
  CHECK(stream->first_bytes == "first bytes");
  CHECK(stream->socket);
}

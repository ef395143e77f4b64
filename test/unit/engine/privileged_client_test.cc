// Operations that need root: with a good helper, with a helper that misbehaves, and without a helper.
#include "engine/privileged_client.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <thread>

#include "base/bounds.h"
#include "catch.h"
#include "host/files.h"
#include "host/unix_socket.h"
#include "rpc/helper_protocol.h"
#include "support/temp_dir.h"

using namespace banger;
using namespace banger::engine;
namespace fs = std::filesystem;

namespace {

using Reply = Result<capabilities::PrivilegedReply>;

struct Fixture {
  Reply call(const std::string& operation, const std::string& arguments = "{}") {
    host::Runtime runtime;
    PrivilegedClient client(runtime, log, paths, config, directory / "s");
    std::optional<Reply> reply;
    runtime.spawn(run(client, operation, arguments, reply));
    runtime.run();
    return std::move(*reply);
  }
  static Task<> run(PrivilegedClient& client, std::string operation, std::string arguments,
                    std::optional<Reply>& reply) {
    reply.emplace(co_await client.call(operation, arguments));
  }

  /// The client's result when the helper sends `text` with descriptors and closes. `heard` gets the client's request.
  Reply answered(const std::string& text, std::size_t fds = 0) {
    fs::remove(directory / "s");
    heard.clear();
    auto listener = host::listen_unix(directory / "s");
    REQUIRE(listener);
    std::thread helper([&] {
      UniqueFd peer(::accept(listener->get(), nullptr, nullptr));
      std::vector<UniqueFd> none, passed;
      while (heard.find('\n') == heard.npos)
        if (auto more = host::receive_with_fds(peer.get(), heard, none); !more || !*more) break;
      for (std::size_t i = 0; i < fds; ++i) passed.emplace_back(::open("/dev/null", O_RDONLY | O_CLOEXEC));
      std::string_view unsent = text;
      for (std::span<const UniqueFd> with(passed); !unsent.empty(); with = {}) {
        auto sent = host::send_with_fds(peer.get(), unsent, with);
        if (!sent) break;
        unsent.remove_prefix(*sent);
      }
    });
    auto reply = call("tap.create", R"({"tap": 1})");
    helper.join();
    return reply;
  }

  test::TempDir temporary;
  fs::path directory = temporary.path();
  Logger log{2, LogLevel::error};
  host::Paths paths;
  config::Config config;
  std::string heard;
};

bool skip(const char* name, bool as_root) {
  if ((::geteuid() == 0) == as_root) return false;
  std::printf("SKIPPED: %s: this is %s\n", name, as_root ? "not root" : "root");
  return true;
}

}  // namespace

TEST_CASE("privileged client: without a helper, root runs the operation and other users get a hint") {
  Fixture fixture;
  auto reply = fixture.call("helper.version");
  if (::geteuid() != 0) {
    REQUIRE_FALSE(reply);
    CHECK(reply.error().code == ErrorCode::unavailable);
    CHECK(reply.error().hint.find("banger system install") != std::string::npos);
    return;
  }
  REQUIRE(reply);
  CHECK(reply->result.find(BANGER_VERSION) != std::string::npos);
  CHECK(fixture.call("no.such").error().code == ErrorCode::not_found);
  CHECK(fixture.call("dns.route", R"({"port": 53})").error().code == ErrorCode::invalid);
  CHECK(fixture.call("dns.route", "{").error().code == ErrorCode::invalid);
}

TEST_CASE("privileged client: a helper's results, errors and descriptors arrive completely") {
  if (skip("privileged client: a helper's results, errors and descriptors arrive whole", true)) return;
  Fixture fixture;
  auto reply = fixture.answered(rpc::encode_helper_result({{"name", "bg-1"}}), 2);
  REQUIRE(reply);
  CHECK(reply->result == R"({"name":"bg-1"})");
  CHECK(reply->fds.size() == 2);
  CHECK(fixture.heard == rpc::encode_helper_request("tap.create", {{"tap", 1}}));
  auto failed =
      fixture.answered(rpc::encode_helper_error({.code = ErrorCode::busy, .message = "in use", .hint = "wait"}));
  REQUIRE_FALSE(failed);
  CHECK(failed.error().sentence() == "in use (hint: wait)");
}

TEST_CASE("privileged client: a helper that misbehaves is an error, not a wait") {
  if (skip("privileged client: a helper that misbehaves is an error, not a wait", true)) return;
  Fixture fixture;
  CHECK(fixture.answered("").error().code == ErrorCode::unavailable);
  CHECK(fixture.answered("{\"result\":").error().code == ErrorCode::unavailable);
  CHECK(fixture.answered("{}\n").error().code == ErrorCode::invalid);
  CHECK(fixture.answered("{\"result\":{}}\n{\"result\":{}}\n").error().code == ErrorCode::invalid);
  CHECK(fixture.answered(std::string(4 * limits::kHelperMessageBytes, 'x')).error().code == ErrorCode::invalid);
}

TEST_CASE("privileged client: a socket that is not served by root is not trusted") {
  if (skip("privileged client: a socket that is not served by root is not trusted", false)) return;
  Fixture fixture;
  auto listener = host::listen_unix(fixture.directory / "s");
  REQUIRE(listener);
  CHECK(fixture.call("helper.version").error().code == ErrorCode::denied);
}

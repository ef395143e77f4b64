// The server against a client that violates the protocol. At the end of each case the daemon still serves a correct
// client.
#include <sys/socket.h>

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

namespace {
void check_alive(const Daemon& daemon) { CHECK(daemon.client().call("echo", {{"a", 1}}) == Json{{"a", 1}}); }
}  // namespace

TEST_CASE("hostile: lines that are not calls are answered one by one, and the connection continues") {
  Daemon daemon;
  Raw raw(daemon.connect());
  raw.send("\n{\n\xff\xfe\n[]\n{\"id\":null,\"method\":\"echo\"}\n{\"id\":5}\n" + request(6, "echo"));
  for (int code : {-32700, -32700, -32700, -32602, -32602, -32602}) {
    auto answer = raw.json();
    CHECK(answer.at("error").at("code") == code);
  }
  CHECK(raw.json().at("id") == 6);
  raw.send(std::string(200000, '[') + "\n" + R"({"id":7,"method":"echo","params":{"a":)" + std::string(60, '[') +
           std::string(60, ']') + "}}\n");
  CHECK(raw.json().at("error").at("code") == -32700);
  CHECK(raw.json().at("error").at("message").get<std::string>().find("deeper") != std::string::npos);
  check_alive(daemon);
}

TEST_CASE("hostile: a line over the limit is answered, and the connection ends") {
  Daemon daemon;
  Raw raw(daemon.connect());
  raw.send(std::string(2 * limits::kMiB, 'a'));
  auto answer = raw.json();
  CHECK(answer.at("error").at("code") == -32700);
  CHECK(answer.at("id").is_null());
  CHECK(raw.rest() == "");
  check_alive(daemon);
}

TEST_CASE("hostile: half a line and then nothing does no harm") {
  Daemon daemon;
  for (const char* half : {"", "{", "{\"id\":1,\"method\":\"echo\",\"params\":{}}", "\xc3"}) {
    Raw raw(daemon.connect());
    raw.send(half);
    raw.half_close();
    CHECK(raw.rest() == "");
  }
  check_alive(daemon);
}

TEST_CASE("hostile: ten thousand calls at once are each answered or busy") {
  Daemon daemon;
  Raw raw(daemon.connect());
  std::thread sender([&] {
    std::string all;
    for (int id = 0; id < 10000; ++id) all += request(id, "echo");
    raw.send(all);
  });
  int answered = 0, busy = 0;
  for (int i = 0; i < 10000; ++i) {
    auto reply = parse_reply(raw.line());
    if (!reply) break;
    reply->kind == Reply::Kind::result ? ++answered : reply->error.code == ErrorCode::busy ? ++busy : 0;
  }
  sender.join();
  CHECK(answered + busy == 10000);
  CHECK(answered >= static_cast<int>(limits::kRpcInFlight));
  check_alive(daemon);
}

TEST_CASE("hostile: a client that never reads is not read for ever, and its calls end when it closes") {
  Daemon daemon;
  {
    Raw raw(daemon.connect());
    std::string junk;
    for (int i = 0; i < 20000; ++i) junk += "x\n";
    int sent = 0;
    // Answers are several times larger than the junk. When the client does not read them, the server must stop reading
    // too.
    while (sent < 64 && ::send(raw.fd(), junk.data(), junk.size(), MSG_DONTWAIT | MSG_NOSIGNAL) > 0) {
      check_alive(daemon);
      ++sent;
    }
    CHECK(sent < 64);
    check_alive(daemon);
  }
  check_alive(daemon);
}

TEST_CASE("hostile: an id that is in flight cannot be used again") {
  Daemon daemon;
  Raw raw(daemon.connect());
  raw.send(request(1, "gate") + request(1, "echo"));
  CHECK(raw.json().at("error").at("message") == "a call with this id is in flight");
  daemon.open_gate();
  CHECK(raw.json().at("result") == "through");
}

TEST_CASE("hostile: notifications run, are cancelled like calls, and are never answered") {
  Daemon daemon;
  {
    Raw raw(daemon.connect());
    raw.send(
        "{\"method\":\"progress\",\"params\":{\"count\":3}}\n{\"method\":\"fail\"}\n{\"method\":\"nothing\"}\n{"
        "\"method\":\"wait\"}\n" +
        request(1, "echo"));
    CHECK(raw.json().at("id") == 1);
    daemon.await_started(1);
  }
  daemon.await_cancelled(1);
}

TEST_CASE("hostile: disconnecting after any byte of any request leaves nothing behind") {
  Daemon daemon;
  for (const char* method : {"echo", "wait", "progress", "stream_echo", "stream_fail", "stream_wait"}) {
    std::string bytes = request(1, method, R"({"count":50,"bytes":2000})") + "and some more\n";
    for (std::size_t cut = 0; cut <= bytes.size(); ++cut) {
      Raw raw(daemon.connect());
      raw.send(bytes.substr(0, cut));
      if (cut % 3 == 1) raw.half_close();
      if (cut % 3 == 2 && cut == bytes.size()) raw.line();
    }
  }
  check_alive(daemon);
  // Returns only if all calls and connections have ended.
  daemon.stop();
}

TEST_CASE("hostile: wrong types in parameters stay the method's error") {
  Daemon daemon;
  auto client = daemon.client();
  CHECK(client.call("big", {{"bytes", "many"}}).error().code == ErrorCode::internal);
  check_alive(daemon);
}

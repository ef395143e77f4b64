// What passes through the relay of HTTP/2, and in which form.
#include "http2_peers.h"

using namespace http2_peers;

namespace {

PeerStream text(std::string body, Fields trailers = {}) {
  return {.out = std::move(body), .out_trailers = std::move(trailers)};
}
PeerStream open_end() { return {.out_ended = false}; }

/// Answers each request with 200 and what the request had as its body.
void echo(Scene& scene) {
  scene.host.on_end = [&](std::int32_t id) { scene.host.respond(id, kOk, text(scene.host.streams[id].body)); };
}

const std::vector<nghttp2_settings_entry> kConnect{{NGHTTP2_SETTINGS_ENABLE_CONNECT_PROTOCOL, 1}};
const Fields kWebSocket{{":method", "CONNECT"},
                        {":protocol", "websocket"},
                        {":scheme", "https"},
                        {":authority", "a.org"},
                        {":path", "/chat"}};

}  // namespace

TEST_CASE("http2 relay: requests and responses pass with their fields and bodies") {
  Scene scene;
  auto request = kPost;
  request.insert(request.end(), {{"x-one", "1"}, {"cookie", "a=b"}, {"cookie", "c=d"}, {"te", "trailers"}});
  scene.host.on_end = [&](std::int32_t id) {
    scene.host.respond(id, {{":status", "201"}, {"x-two", "2"}}, text("response"));
  };
  auto first = scene.guest.request(request, text("request"));
  auto second = scene.guest.request(kGet);
  scene.run();
  CHECK(scene.host.streams[1].blocks == std::vector<Fields>{request});
  CHECK(scene.host.streams[1].body == "request");
  CHECK(scene.host.streams[3].blocks == std::vector<Fields>{kGet});
  CHECK(scene.guest.streams[first].blocks == std::vector<Fields>{{{":status", "201"}, {"x-two", "2"}}});
  CHECK(scene.guest.streams[first].body == "response");
  CHECK(scene.guest.streams[first].closed == 0);
  CHECK(scene.guest.streams[second].closed == 0);
  CHECK(scene.relay.streams() == 0);
  CHECK(!scene.relay.over());
}

TEST_CASE("http2 relay: both sides learn the limits") {
  Scene scene;
  scene.run();
  CHECK(scene.guest.remote(NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS) == 100);
  CHECK(scene.guest.remote(NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE) == 64 * 1024);
  CHECK(scene.guest.remote(NGHTTP2_SETTINGS_ENABLE_CONNECT_PROTOCOL) == 0);
  CHECK(scene.host.remote(NGHTTP2_SETTINGS_ENABLE_PUSH) == 0);
}

TEST_CASE("http2 relay: the hook changes values, which are never indexed") {
  Scene scene([](Fields& fields) {
    for (auto& field : fields)
      if (field.value == "placeholder") field.value = "secret";
    return std::nullopt;
  });
  auto request = kGet;
  request.insert(request.end(), {{"x-key", "placeholder"}, {"x-other", "plain"}});
  scene.guest.request(request);
  scene.run();
  CHECK(value_of(scene.host.streams[1].blocks.at(0), "x-key") == "secret");
  CHECK(scene.host.streams[1].never_indexed == std::vector<std::string>{"x-key"});
}

TEST_CASE("http2 relay: what the guest does not want indexed is not indexed") {
  Scene scene;
  auto wire = kPreface + frame(NGHTTP2_HEADERS, 5, 1, block(kGet) + "\x10" + literal("x-key", "v").substr(1));
  scene.relay.feed_guest(wire, scene.now);
  scene.run();
  CHECK(scene.host.streams[1].never_indexed == std::vector<std::string>{"x-key"});
}

TEST_CASE("http2 relay: a refused request is answered, and the host sees nothing") {
  Scene scene([](Fields& fields) -> std::optional<Http2Refusal> {
    if (value_of(fields, ":authority") == "a.org") return std::nullopt;
    return Http2Refusal{403, "no rule"};
  });
  auto request = kGet, head = kGet;
  request[2].value = head[2].value = "b.org";
  head[0].value = "HEAD";
  auto refused = scene.guest.request(request), refused_head = scene.guest.request(head);
  auto upload = scene.guest.request(request, open_end());
  scene.run();
  CHECK(scene.host.streams.empty());
  CHECK(value_of(scene.guest.streams[refused].blocks.at(0), ":status") == "403");
  CHECK(value_of(scene.guest.streams[refused].blocks.at(0), "content-length") == "8");
  CHECK(scene.guest.streams[refused].body == "no rule\n");
  CHECK(scene.guest.streams[refused].closed == 0);
  CHECK(scene.guest.streams[refused_head].closed == 0);
  CHECK(scene.guest.streams[refused_head].body.empty());
  CHECK(scene.guest.streams[upload].ended);
  CHECK(scene.guest.streams[upload].closed == 0);  // by RST_STREAM
  CHECK(scene.relay.streams() == 0);
  echo(scene);
  auto good = scene.guest.request(kGet);
  scene.run();
  CHECK(scene.guest.streams[good].closed == 0);
}

TEST_CASE("http2 relay: a value that no field can have is not sent") {
  Scene scene([](Fields& fields) {
    fields.push_back({"x-key", "two\r\nlines"});
    return std::nullopt;
  });
  auto id = scene.guest.request(kGet);
  scene.run();
  CHECK(value_of(scene.guest.streams[id].blocks.at(0), ":status") == "502");
  CHECK(scene.host.streams.empty());
}

TEST_CASE("http2 relay: a tunnel is refused") {
  Scene scene;
  auto id = scene.guest.request({{":method", "CONNECT"}, {":authority", "a.org:443"}}, open_end());
  scene.run();
  CHECK(value_of(scene.guest.streams[id].blocks.at(0), ":status") == "501");
  CHECK(scene.host.streams.empty());
}

TEST_CASE("http2 relay: a WebSocket passes if the host can have one") {
  Scene scene(pass_all, kConnect);
  scene.run();
  REQUIRE(scene.guest.remote(NGHTTP2_SETTINGS_ENABLE_CONNECT_PROTOCOL) == 1);
  scene.host.on_head = [&](std::int32_t id) { scene.host.respond(id, kOk, open_end()); };
  auto id = scene.guest.request(kWebSocket, open_end());
  scene.run();
  CHECK(scene.host.streams[1].blocks == std::vector<Fields>{kWebSocket});
  scene.guest.write(id, "ping");
  scene.host.write(1, "pong");
  scene.run();
  CHECK(scene.host.streams[1].body == "ping");
  CHECK(scene.guest.streams[id].body == "pong");
  scene.guest.write(id, "", true);
  scene.host.write(1, "", true);
  scene.run();
  CHECK(scene.guest.streams[id].closed == 0);
}

TEST_CASE("http2 relay: a WebSocket does not pass if the host has none") {
  Scene scene;
  auto id = scene.guest.request(kWebSocket, open_end());
  scene.run();
  CHECK(scene.guest.streams[id].closed == NGHTTP2_PROTOCOL_ERROR);
  CHECK(scene.host.streams.empty());
}

TEST_CASE("http2 relay: a call of gRPC goes both ways and ends with trailers") {
  Scene scene;
  scene.host.on_head = [&](std::int32_t id) {
    if (scene.host.streams[id].blocks.size() == 1) scene.host.respond(id, kOk, open_end());
  };
  auto id = scene.guest.request(kPost, open_end());
  scene.run();
  CHECK(scene.guest.streams[id].blocks.size() == 1);
  for (int i = 0; i < 10; ++i) {
    scene.guest.write(id, std::to_string(i));
    scene.run();
    scene.host.write(1, std::to_string(i) + "!");
    scene.run();
    CHECK(scene.guest.streams[id].body.ends_with(std::to_string(i) + "!"));
  }
  scene.guest.write(id, "", true, {{"x-sum", "7"}});
  scene.run();
  CHECK(scene.host.streams[1].ended);
  CHECK(scene.host.streams[1].blocks.at(1) == Fields{{"x-sum", "7"}});
  scene.host.write(1, "last", true, {{"grpc-status", "0"}, {"grpc-message", "fine"}});
  scene.run();
  CHECK(scene.guest.streams[id].body == "0!1!2!3!4!5!6!7!8!9!last");
  CHECK(scene.guest.streams[id].blocks.at(1) == Fields{{"grpc-status", "0"}, {"grpc-message", "fine"}});
  CHECK(scene.guest.streams[id].closed == 0);
  CHECK(scene.relay.streams() == 0);
}

TEST_CASE("http2 relay: informational responses pass before the final one") {
  Scene scene;
  scene.host.on_head = [&](std::int32_t id) {
    scene.host.inform(id, {{":status", "100"}});
    scene.host.inform(id, {{":status", "103"}, {"link", "</x>"}});
  };
  scene.host.on_end = [&](std::int32_t id) { scene.host.respond(id, kOk, text("x")); };
  auto id = scene.guest.request(kPost, open_end());
  scene.run();
  CHECK(scene.guest.streams[id].blocks.size() == 2);
  scene.guest.write(id, "body", true);
  scene.run();
  CHECK(scene.guest.streams[id].blocks ==
        std::vector<Fields>{{{":status", "100"}}, {{":status", "103"}, {"link", "</x>"}}, kOk});
  CHECK(scene.guest.streams[id].closed == 0);
}

TEST_CASE("http2 relay: a reset of the guest reaches the host") {
  Scene scene;
  auto id = scene.guest.request(kPost, open_end());
  auto odd = scene.guest.request(kPost, open_end());
  scene.run();
  scene.guest.reset(id, NGHTTP2_CANCEL);
  scene.guest.reset(odd, NGHTTP2_FLOW_CONTROL_ERROR);
  scene.run();
  CHECK(scene.host.streams[1].closed == NGHTTP2_CANCEL);
  CHECK(scene.host.streams[3].closed == NGHTTP2_CANCEL);
  CHECK(scene.relay.streams() == 0);
}

TEST_CASE("http2 relay: a reset of the host reaches the guest") {
  auto [sent, seen] = GENERATE(table<std::uint32_t, std::uint32_t>({
      {NGHTTP2_REFUSED_STREAM, NGHTTP2_REFUSED_STREAM},
      {NGHTTP2_ENHANCE_YOUR_CALM, NGHTTP2_ENHANCE_YOUR_CALM},
      {NGHTTP2_HTTP_1_1_REQUIRED, NGHTTP2_HTTP_1_1_REQUIRED},
      {NGHTTP2_PROTOCOL_ERROR, NGHTTP2_INTERNAL_ERROR},
      {NGHTTP2_NO_ERROR, NGHTTP2_CANCEL},
  }));
  Scene scene;
  auto id = scene.guest.request(kPost, open_end());
  scene.run();
  scene.host.reset(1, sent);
  scene.run();
  CHECK(scene.guest.streams[id].closed == seen);
  CHECK(scene.relay.streams() == 0);
  CHECK(!scene.relay.over());
}

TEST_CASE("http2 relay: the guest gets what the host sent before a reset") {
  Scene scene;
  auto id = scene.guest.request(kPost, open_end());
  scene.run();
  scene.host.respond(1, kOk, {.out_more = 20'000, .out_ended = false});
  auto bytes = scene.host.send();
  scene.host.reset(1, NGHTTP2_INTERNAL_ERROR);
  scene.relay.feed_outside(bytes + scene.host.send(), scene.now);
  scene.run();
  CHECK(scene.guest.streams[id].blocks == std::vector<Fields>{kOk});
  CHECK(scene.guest.streams[id].body_bytes == 20'000);
  CHECK(scene.guest.streams[id].closed == NGHTTP2_INTERNAL_ERROR);
}

TEST_CASE("http2 relay: an early response ends the upload without an error") {
  Scene scene;
  auto id = scene.guest.request(kPost, {.out_more = 1'000'000});
  scene.host.on_head = [&](std::int32_t stream) {
    scene.host.respond(stream, {{":status", "413"}}, text("too much"));
    scene.host.reset(stream, NGHTTP2_NO_ERROR);
  };
  // nghttp2 drops a response before a reset in one go, so the response goes first.
  scene.host.on_head = [&](std::int32_t stream) { scene.host.respond(stream, {{":status", "413"}}, text("too much")); };
  scene.relay.feed_guest(scene.guest.send(1000), scene.now);
  scene.host.receive(scene.relay.take_for_outside());
  auto bytes = scene.host.send();
  scene.host.reset(1, NGHTTP2_NO_ERROR);
  scene.relay.feed_outside(bytes + scene.host.send(), scene.now);
  scene.run();
  CHECK(value_of(scene.guest.streams[id].blocks.at(0), ":status") == "413");
  CHECK(scene.guest.streams[id].body == "too much");
  CHECK(scene.guest.streams[id].closed == 0);
  CHECK(scene.relay.streams() == 0);
}

TEST_CASE("http2 relay: a host that leaves finishes what it has begun") {
  Scene scene;
  auto first = scene.guest.request(kGet), second = scene.guest.request(kGet);
  scene.run();
  scene.host.leave(1, NGHTTP2_NO_ERROR, "restart");
  scene.run();
  CHECK(scene.guest.goaway == NGHTTP2_NO_ERROR);
  CHECK(scene.guest.goaway_text == "restart");
  CHECK(scene.guest.goaway_last == 3);
  CHECK(scene.guest.streams[second].closed == NGHTTP2_REFUSED_STREAM);
  CHECK(!scene.relay.over());
  scene.host.respond(1, kOk, text("done"));
  scene.run();
  CHECK(scene.guest.streams[first].body == "done");
  CHECK(scene.guest.streams[first].closed == 0);
  CHECK(scene.relay.over());
  CHECK(scene.relay.fault().empty());
}

TEST_CASE("http2 relay: the reason why a host leaves reaches the guest") {
  Scene scene;
  scene.guest.request(kGet);
  scene.run();
  scene.host.leave(1, NGHTTP2_ENHANCE_YOUR_CALM, "too_many_pings");
  scene.run();
  CHECK(scene.guest.goaway == NGHTTP2_ENHANCE_YOUR_CALM);
  CHECK(scene.guest.goaway_text == "too_many_pings");
}

TEST_CASE("http2 relay: a guest that leaves gets the rest of its responses") {
  Scene scene;
  auto id = scene.guest.request(kGet);
  scene.guest.leave(0, NGHTTP2_NO_ERROR);
  scene.run();
  CHECK(!scene.relay.over());
  scene.host.respond(1, kOk, text("done"));
  scene.run();
  CHECK(scene.guest.streams[id].closed == 0);
  CHECK(scene.relay.over());
  CHECK(scene.host.goaway == NGHTTP2_NO_ERROR);
}

TEST_CASE("http2 relay: the end of the host's connection ends the guest's, after what has come") {
  Scene scene;
  auto whole = scene.guest.request(kGet), part = scene.guest.request(kGet), none = scene.guest.request(kGet);
  scene.run();
  scene.host.respond(1, kOk, {.out_more = 30'000});
  scene.host.respond(3, kOk, {.out_more = 30'000, .out_ended = false});
  scene.relay.feed_outside(scene.host.send(), scene.now);
  scene.relay.end_outside();
  CHECK(!scene.relay.over());
  CHECK(!scene.relay.wants_outside());
  scene.run();
  CHECK(scene.guest.streams[whole].body_bytes == 30'000);
  CHECK(scene.guest.streams[whole].closed == 0);
  CHECK(scene.guest.streams[part].body_bytes == 30'000);
  CHECK(!scene.guest.streams[part].closed);
  CHECK(!scene.guest.streams[none].closed);
  CHECK(scene.guest.goaway == NGHTTP2_NO_ERROR);
  CHECK(scene.relay.over());
  CHECK(scene.relay.fault() == "the host has ended the connection too early");
}

TEST_CASE("http2 relay: an idle connection ends without a fault") {
  Scene scene;
  scene.run();
  SECTION("by the host") {
    scene.relay.end_outside();
    scene.run();
    CHECK(scene.guest.goaway == NGHTTP2_NO_ERROR);
  }
  SECTION("by the guest") {
    scene.relay.end_guest();
    scene.run();
    CHECK(scene.host.goaway == NGHTTP2_NO_ERROR);
  }
  CHECK(scene.relay.over());
  CHECK(scene.relay.fault().empty());
  CHECK(!scene.relay.wants_guest());
  CHECK(!scene.relay.wants_outside());
}

TEST_CASE("http2 relay: the end of the guest's connection ends the host's") {
  Scene scene;
  scene.guest.request(kPost, open_end());
  scene.run();
  scene.relay.end_guest();
  CHECK(scene.relay.over());
  CHECK(scene.relay.streams() == 0);
  scene.host.receive(scene.relay.take_for_outside());
  CHECK(scene.host.goaway == NGHTTP2_NO_ERROR);
}

TEST_CASE("http2 relay: a ping is answered by the other end") {
  Scene scene;
  scene.run();
  scene.guest.ping("12345678");
  scene.relay.feed_guest(scene.guest.send(), scene.now);
  CHECK(scene.relay.take_for_guest().empty());
  scene.run();
  CHECK(scene.guest.pongs == std::vector<std::string>{"12345678"});
  scene.host.ping("abcdefgh");
  scene.run();
  CHECK(scene.host.pongs == std::vector<std::string>{"abcdefgh"});
}

TEST_CASE("http2 relay: requests wait until the host has room for them") {
  Scene scene(pass_all, {{NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, 2}});
  std::vector<std::int32_t> ids;
  ids.push_back(scene.guest.request(kGet));
  scene.relay.feed_guest(scene.guest.send(), scene.now);
  scene.relay.feed_outside(scene.host.send(), scene.now);
  for (int i = 0; i < 9; ++i) ids.push_back(scene.guest.request(kGet));
  scene.run();
  CHECK(scene.host.streams.size() == 2);
  for (std::int32_t id = 1; id < 20; id += 2) {
    REQUIRE(scene.host.streams.contains(id));
    scene.host.respond(id, kOk);
    scene.run();
  }
  for (auto id : ids) CHECK(scene.guest.streams[id].closed == 0);
}

TEST_CASE("http2 relay: a guest that has not begun learns how many streams the host has room for") {
  Scene scene(pass_all, {{NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, 2}});
  scene.run();
  CHECK(scene.guest.remote(NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS) == 2);
}

TEST_CASE("http2 relay: a request that waits can be taken back") {
  Scene scene(pass_all, {{NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, 1}});
  auto first = scene.guest.request(kGet), second = scene.guest.request(kPost, open_end());
  scene.relay.feed_guest(scene.guest.send(), scene.now);
  scene.relay.feed_outside(scene.host.send(), scene.now);
  scene.guest.reset(second, NGHTTP2_CANCEL);
  scene.run();
  scene.host.respond(1, kOk);
  scene.run();
  CHECK(scene.guest.streams[first].closed == 0);
  CHECK(scene.host.streams.size() == 1);
  CHECK(scene.relay.streams() == 0);
}

TEST_CASE("http2 relay: a response to HEAD has a length and no body") {
  Scene scene;
  scene.host.on_end = [&](std::int32_t id) { scene.host.respond(id, {{":status", "200"}, {"content-length", "5"}}); };
  auto head = kGet;
  head[0].value = "HEAD";
  auto id = scene.guest.request(head);
  scene.run();
  CHECK(value_of(scene.guest.streams[id].blocks.at(0), "content-length") == "5");
  CHECK(scene.guest.streams[id].closed == 0);
}

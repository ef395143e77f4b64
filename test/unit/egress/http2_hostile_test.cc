// What peers of HTTP/2 must not do, and what becomes of it.
#include "http2_peers.h"

using namespace http2_peers;
using namespace std::chrono_literals;

namespace {

/// A guest that sends any bytes. `host` is a real server.
struct Raw {
  explicit Raw(Http2Hook hook = pass_all) : scene(std::move(hook)) {
    feed(kPreface);
    scene.relay.feed_outside(scene.host.send(), scene.now);
    scene.host.receive(scene.relay.take_for_outside());
    scene.guest.receive(scene.relay.take_for_guest());
    feed(settings_ack());
  }
  void feed(const std::string& bytes) { scene.relay.feed_guest(bytes, scene.now); }
  /// The error and the text of the GOAWAY that the guest gets.
  std::string goaway() {
    auto bytes = scene.relay.take_for_guest();
    if (bytes.empty()) bytes = scene.relay.take_for_guest();
    scene.guest.receive(bytes);
    if (!scene.guest.goaway) return "none";
    return std::string(nghttp2_http2_strerror(*scene.guest.goaway)) + ": " + scene.guest.goaway_text;
  }
  Scene scene;
};

std::string reset(std::int32_t id) { return frame(NGHTTP2_RST_STREAM, 0, id, std::string("\0\0\0\x08", 4)); }

}  // namespace

TEST_CASE("http2 hostile: a request with too many fields is answered with 431") {
  auto request = kGet;
  SECTION("too many bytes")
  for (int i = 0; i < 150; ++i) request.push_back({"x-" + std::to_string(i), std::string(500, 'x')});
  SECTION("too many fields")
  for (int i = 0; i < 250; ++i) request.push_back({"x-" + std::to_string(i), "x"});
  Scene scene;
  auto id = scene.guest.request(request), good = scene.guest.request(kGet);
  scene.run();
  CHECK(value_of(scene.guest.streams[id].blocks.at(0), ":status") == "431");
  CHECK(scene.host.streams.size() == 1);
  scene.host.respond(1, kOk);
  scene.run();
  CHECK(scene.guest.streams[good].closed == 0);
}

TEST_CASE("http2 hostile: a response with too many fields becomes a 502") {
  Scene scene;
  auto id = scene.guest.request(kGet);
  scene.run();
  auto response = kOk;
  for (int i = 0; i < 250; ++i) response.push_back({"x-" + std::to_string(i), "x"});
  scene.host.respond(1, response);
  scene.run();
  CHECK(value_of(scene.guest.streams[id].blocks.at(0), ":status") == "502");
  CHECK(scene.guest.streams[id].closed == 0);
  CHECK(scene.relay.streams() == 0);
}

TEST_CASE("http2 hostile: trailers that are too large reset the stream") {
  Scene scene;
  auto id = scene.guest.request(kGet);
  scene.run();
  Fields trailers{{"x-a", std::string(10'000, 'x')}, {"x-b", std::string(10'000, 'x')}};
  scene.host.respond(1, kOk, {.out = "x", .out_trailers = trailers});
  scene.run();
  CHECK(scene.guest.streams[id].closed == NGHTTP2_ENHANCE_YOUR_CALM);
  CHECK(scene.relay.streams() == 0);
  CHECK(!scene.relay.over());
}

TEST_CASE("http2 hostile: a compression bomb ends the connection") {
  Raw raw;
  // One field of 4,000 bytes in the table, and then one byte for each repetition (RFC 7541, section 6.1).
  auto big = std::string("\x40\x03x-a\x7f\xa1\x1e", 8) + std::string(4000, 'x');
  raw.feed(frame(NGHTTP2_HEADERS, 5, 1, block(kGet) + big + std::string(10'000, '\xbe')));
  CHECK(raw.goaway() == "ENHANCE_YOUR_CALM: the guest sends a header block that is far too large");
  CHECK(raw.scene.relay.over());
  CHECK(raw.scene.relay.fault() == "the guest sends a header block that is far too large");
}

TEST_CASE("http2 hostile: many compression bombs in one read do not become many blocks in memory") {
  Scene scene;
  std::vector<std::int32_t> ids;
  for (int i = 0; i < 50; ++i) ids.push_back(scene.guest.request(kGet));
  scene.run();
  std::string bombs;
  for (std::int32_t id = 1; id < 100; id += 2) {
    auto big = std::string("\x40\x03x-a\x7f\xa1\x1e", 8) + std::string(4000, 'x');
    for (int i = 0; i < 100; ++i)
      bombs += frame(NGHTTP2_HEADERS, 4, id,
                     literal(":status", "103") + (i == 0 && id == 1 ? big : "") + std::string(14, '\xbe'));
  }
  scene.relay.feed_outside(scene.host.send() + bombs, scene.now);
  CHECK(!scene.relay.wants_outside());
  bool host_ends = GENERATE(false, true);
  if (host_ends) scene.relay.end_outside();
  std::size_t most = 0;
  for (std::string bytes = "x"; !bytes.empty();) {
    bytes = scene.relay.take_for_guest();
    most = std::max(most, bytes.size());
    scene.guest.receive(bytes);
  }
  CHECK(most < 2 * limits::kRelayBlockBytes + limits::kRelayTakeBytes);
  CHECK(scene.relay.wants_outside() == !host_ends);
  CHECK(scene.relay.over() == host_ends);
  CHECK(scene.guest.streams[ids.back()].blocks.size() == 100);
}

TEST_CASE("http2 hostile: a header block in too many pieces ends the connection") {
  Raw raw;
  auto fields = block(kGet);
  raw.feed(frame(NGHTTP2_HEADERS, 1, 1, fields));
  for (int i = 0; i < 10; ++i) raw.feed(frame(NGHTTP2_CONTINUATION, 0, 1, ""));
  CHECK(raw.goaway() == "ENHANCE_YOUR_CALM: the guest sends a header block in too many pieces");
  CHECK(raw.scene.relay.over());
}

TEST_CASE("http2 hostile: resets without an end end the connection") {
  Raw raw;
  std::int32_t id = 1;
  SECTION("of the guest") {
    for (; id < 2000 && !raw.scene.relay.over(); id += 2) {
      raw.feed(headers(id, kGet) + reset(id));
      raw.scene.host.receive(raw.scene.relay.take_for_outside());
    }
  }
  SECTION("that the guest provokes") {
    for (; id < 2000 && !raw.scene.relay.over(); id += 2) {
      raw.feed(headers(id, kGet) + frame(NGHTTP2_WINDOW_UPDATE, 0, id, "\x7f\xff\xff\xff"));
      (void)raw.scene.relay.take_for_guest();
      raw.scene.host.receive(raw.scene.relay.take_for_outside());
    }
  }
  CHECK(id / 2 >= 300);
  CHECK(id / 2 <= 310);
  CHECK(raw.scene.relay.fault() == "the guest ends too many requests early");
}

TEST_CASE("http2 hostile: resets at the pace of people go on") {
  Scene scene;
  for (int i = 0; i < 900; ++i) {
    scene.now += 50ms;
    auto id = scene.guest.request(kGet);
    scene.run();
    scene.guest.reset(id, NGHTTP2_CANCEL);
    scene.run();
  }
  CHECK(!scene.relay.over());
}

TEST_CASE("http2 hostile: floods of frames without a use end the connection") {
  Raw raw;
  raw.feed(headers(1, kPost, false));
  auto wire = GENERATE(frame(NGHTTP2_SETTINGS, 0, 0, ""), frame(NGHTTP2_PRIORITY, 0, 1, std::string(5, '\0')),
                       frame(NGHTTP2_DATA, 0, 1, ""), reset(99'999));
  int count = 0;
  for (; count < 3000 && !raw.scene.relay.over(); ++count) {
    raw.feed(wire);
    (void)raw.scene.relay.take_for_outside();
    if (count % 100 == 0) (void)raw.scene.relay.take_for_guest();
  }
  CHECK(count <= 1001);
  CHECK(raw.scene.relay.over());
}

TEST_CASE("http2 hostile: the same flood at a low rate goes on") {
  Raw raw;
  for (int i = 0; i < 3000; ++i) {
    raw.scene.now += 20ms;
    raw.feed(frame(NGHTTP2_SETTINGS, 0, 0, ""));
    (void)raw.scene.relay.take_for_guest();
  }
  CHECK(!raw.scene.relay.over());
}

TEST_CASE("http2 hostile: pings without answers end the connection") {
  Raw raw;
  for (int i = 0; i < 100; ++i) raw.feed(frame(NGHTTP2_PING, 0, 0, "12345678"));
  CHECK(raw.goaway() == "ENHANCE_YOUR_CALM: too many unanswered pings");
  CHECK(raw.scene.relay.over());
}

TEST_CASE("http2 hostile: other bytes than HTTP/2 end the connection") {
  Scene scene;
  scene.relay.feed_guest("GET / HTTP/1.1\r\nHost: a.org\r\n\r\n", scene.now);
  CHECK(scene.relay.over());
  CHECK(scene.relay.fault() == "the guest does not speak HTTP/2");
  scene.host.receive(scene.relay.take_for_outside());
  CHECK(scene.host.goaway == NGHTTP2_NO_ERROR);
}

TEST_CASE("http2 hostile: a host that does not speak HTTP/2 ends the connection") {
  Scene scene;
  auto id = scene.guest.request(kGet);
  scene.relay.feed_guest(scene.guest.send(), scene.now);
  scene.relay.feed_outside("HTTP/1.1 400 Bad Request\r\n\r\n", scene.now);
  (void)scene.relay.take_for_outside();
  for (auto bytes = scene.relay.take_for_guest(); !bytes.empty(); bytes = scene.relay.take_for_guest())
    scene.guest.receive(bytes);
  CHECK(scene.relay.over());
  CHECK(scene.relay.fault().starts_with("the host breaks HTTP/2"));
  CHECK(scene.guest.goaway == NGHTTP2_INTERNAL_ERROR);
  CHECK(scene.guest.streams[id].closed == NGHTTP2_REFUSED_STREAM);  // the host has not seen it
}

TEST_CASE("http2 hostile: a host must not push") {
  Scene scene;
  scene.guest.request(kGet);
  scene.run();
  scene.relay.feed_outside(
      frame(NGHTTP2_PUSH_PROMISE, NGHTTP2_FLAG_END_HEADERS, 1, std::string("\0\0\0\2", 4) + block(kGet)), scene.now);
  (void)scene.relay.take_for_outside();
  CHECK(scene.relay.over());
}

TEST_CASE("http2 hostile: requests with fields that HTTP/2 forbids are reset") {
  auto bad =
      GENERATE(HttpField{"Upper", "x"}, HttpField{"connection", "close"}, HttpField{"keep-alive", "x"},
               HttpField{"proxy-connection", "x"}, HttpField{"transfer-encoding", "chunked"},
               HttpField{"upgrade", "h2c"}, HttpField{"te", "gzip"}, HttpField{"x", "a\rb"}, HttpField{"x", "a\nb"},
               HttpField{"x", std::string("a\0b", 3)}, HttpField{"x y", "x"}, HttpField{"", "x"},
               HttpField{":path", "/again"}, HttpField{":status", "200"}, HttpField{"content-length", "x"});
  Raw raw;
  auto request = kGet;
  request.push_back(bad);
  raw.feed(headers(1, request));
  raw.scene.guest.streams[1];
  auto bytes = raw.scene.relay.take_for_guest();
  CHECK(bytes == frame(NGHTTP2_RST_STREAM, 0, 1, std::string("\0\0\0\1", 4)));
  (void)raw.scene.relay.take_for_outside();
  CHECK(raw.scene.relay.streams() == 0);
  CHECK(raw.scene.host.streams.empty());
}

TEST_CASE("http2 hostile: a body of another length than announced is reset at both sides") {
  Raw raw;
  auto request = kPost;
  request.push_back({"content-length", "5"});
  raw.feed(headers(1, request, false));
  raw.scene.host.receive(raw.scene.relay.take_for_outside());
  raw.feed(frame(NGHTTP2_DATA, 1, 1, "123456"));
  CHECK(raw.scene.relay.take_for_guest() == frame(NGHTTP2_RST_STREAM, 0, 1, std::string("\0\0\0\1", 4)));
  raw.scene.host.receive(raw.scene.relay.take_for_outside());
  CHECK(raw.scene.host.streams[1].closed == NGHTTP2_CANCEL);
}

TEST_CASE("http2 hostile: streams over the announced limit are refused") {
  Raw raw;
  for (std::int32_t id = 1; id < 300; id += 2) raw.feed(headers(id, kPost, false));
  (void)raw.scene.relay.take_for_guest();
  CHECK(raw.scene.relay.over());
  CHECK(raw.scene.host.streams.size() <= 100);
}

TEST_CASE("http2 hostile: a guest that ignores the windows is ended") {
  Raw raw;
  raw.feed(headers(1, kPost, false));
  for (int i = 0; i < 20; ++i) raw.feed(frame(NGHTTP2_DATA, 0, 1, std::string(16'384, 'x')));
  (void)raw.scene.relay.take_for_guest();
  (void)raw.scene.relay.take_for_outside();
  CHECK((raw.scene.relay.over() || raw.scene.relay.streams() == 0));
}

TEST_CASE("http2 hostile: windows have a bound even if SETTINGS are never acknowledged") {
  Scene scene(pass_all, {{NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, 0}});
  scene.relay.feed_outside(scene.host.send(), scene.now);
  scene.relay.feed_guest(kPreface, scene.now);
  (void)scene.relay.take_for_guest();
  for (std::int32_t id = 1; id < 200 && !scene.relay.over(); id += 2) {
    scene.relay.feed_guest(headers(id, kPost, false), scene.now);
    for (int i = 0; i < 3; ++i) scene.relay.feed_guest(frame(NGHTTP2_DATA, 0, id, std::string(16'384, 'x')), scene.now);
    (void)scene.relay.take_for_guest();
    (void)scene.relay.take_for_outside();
  }
  CHECK(scene.relay.fault() == "more bytes came than the windows allow");
}

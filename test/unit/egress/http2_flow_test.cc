// How much the relay of HTTP/2 holds, and that no stream stops another one.
#include "http2_peers.h"

using namespace http2_peers;

namespace {

using limits::kKiB, limits::kMiB;

constexpr std::size_t kLarge = 50 * kMiB;
const std::vector<nghttp2_settings_entry> kWide{{NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, INT32_MAX}};

void widen(Peer& peer) { nghttp2_session_set_local_window_size(peer.session(), 0, 0, INT32_MAX); }

}  // namespace

TEST_CASE("http2 flow: large bodies pass both ways, and little of them is held") {
  Scene scene(pass_all, kWide, Reader::prompt, Reader::prompt, kWide);
  scene.guest.keep_bodies = scene.host.keep_bodies = false;
  widen(scene.guest);
  widen(scene.host);
  scene.host.on_head = [&](std::int32_t id) { scene.host.respond(id, kOk, {.out_more = kLarge}); };
  auto id = scene.guest.request(kPost, {.out_more = kLarge});
  scene.run();
  CHECK(scene.host.streams[1].body_bytes == kLarge);
  CHECK(scene.guest.streams[id].body_bytes == kLarge);
  CHECK(scene.guest.streams[id].closed == 0);
  CHECK(scene.most_on_way_up <= limits::kRelayMostWindowBytes + limits::kRelayTakeBytes);
  CHECK(scene.most_on_way_down <= limits::kRelayMostWindowBytes + limits::kRelayTakeBytes);
}

TEST_CASE("http2 flow: a reader that does not read stops its sender, and then goes on") {
  Scene scene(pass_all, kWide, Reader::on_demand, Reader::on_demand);
  scene.guest.keep_bodies = scene.host.keep_bodies = false;
  scene.host.on_head = [&](std::int32_t id) { scene.host.respond(id, kOk, {.out_more = 4 * kMiB}); };
  auto down = scene.guest.request(kGet), up = scene.guest.request(kPost, {.out_more = 4 * kMiB});
  scene.run();
  CHECK(scene.guest.streams[down].body_bytes <= 65'535);
  auto held = scene.host.streams[1].out_bytes - scene.guest.streams[down].body_bytes;
  CHECK(held <= limits::kRelayFirstWindowBytes);
  CHECK(held >= limits::kRelayStreamWindowBytes);
  for (int i = 0; i < 2000; ++i) {
    scene.guest.consume(down);
    scene.guest.consume(up);
    scene.host.consume(3);
    scene.run();
  }
  CHECK(scene.guest.streams[down].closed == 0);
  CHECK(scene.guest.streams[up].closed == 0);
  CHECK(scene.host.streams[3].body_bytes == 4 * kMiB);
}

TEST_CASE("http2 flow: a hundred streams that are not read do not stop another one, and have a bound") {
  Scene scene(pass_all, {}, Reader::on_demand, Reader::prompt, {{NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, 600}});
  widen(scene.guest);
  scene.guest.keep_bodies = false;
  scene.host.on_head = [&](std::int32_t id) { scene.host.respond(id, kOk, {.out_more = kMiB}); };
  std::vector<std::int32_t> ids;
  for (int i = 0; i < 100; ++i) ids.push_back(scene.guest.request(kGet));
  scene.run();
  CHECK(scene.most_on_way_down <= limits::kRelayHeldBytes + limits::kRelayTakeBytes);
  CHECK(scene.most_on_way_down >= 99 * std::size_t{limits::kRelayStreamWindowBytes});
  auto last = ids.back();
  for (int i = 0; i < 5000 && !scene.guest.streams[last].closed; ++i) {
    scene.guest.consume(last);
    scene.run();
  }
  CHECK(scene.guest.streams[last].body_bytes == kMiB);
  CHECK(scene.guest.streams[last].closed == 0);
  CHECK(scene.guest.streams[ids.front()].body_bytes == 600);
}

TEST_CASE("http2 flow: a hundred uploads that are not read have a bound") {
  Scene scene(pass_all, {{NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, 1000}}, Reader::prompt, Reader::on_demand);
  scene.run();
  for (int i = 0; i < 100; ++i) scene.guest.request(kPost, {.out_more = kMiB});
  scene.run();
  CHECK(scene.most_on_way_up <= limits::kRelayHeldBytes + limits::kRelayTakeBytes);
  CHECK(scene.host.streams.size() == 100);
}

TEST_CASE("http2 flow: the window grows for a reader that keeps up") {
  Scene scene(pass_all, {}, Reader::prompt, Reader::prompt, kWide);
  widen(scene.guest);
  scene.guest.keep_bodies = false;
  scene.host.on_head = [&](std::int32_t id) { scene.host.respond(id, kOk, {.out_more = 8 * kMiB}); };
  scene.guest.request(kGet);
  std::size_t most = 0;
  // A long way: all that the window allows comes at once, and its reader takes all of it.
  for (int i = 0; i < 200; ++i) {
    auto before = scene.host.streams[1].out_bytes;
    auto up = scene.guest.send(), down = scene.host.send();
    most = std::max(most, scene.host.streams[1].out_bytes - before);
    scene.relay.feed_guest(up, scene.now);
    scene.relay.feed_outside(down, scene.now);
    for (auto bytes = scene.relay.take_for_guest(); !bytes.empty(); bytes = scene.relay.take_for_guest())
      scene.guest.receive(bytes);
    for (auto bytes = scene.relay.take_for_outside(); !bytes.empty(); bytes = scene.relay.take_for_outside())
      scene.host.receive(bytes);
  }
  CHECK(scene.guest.streams[1].body_bytes == 8 * kMiB);
  CHECK(most > 512 * kKiB);
  CHECK(most <= limits::kRelayMostWindowBytes);
}

TEST_CASE("http2 flow: the pool of windows comes back from streams that end") {
  Scene scene(pass_all, {}, Reader::prompt, Reader::prompt, kWide);
  widen(scene.guest);
  scene.guest.keep_bodies = false;
  scene.host.on_head = [&](std::int32_t id) { scene.host.respond(id, kOk, {.out_more = 4 * kMiB}); };
  for (int i = 0; i < 10; ++i) {
    auto id = scene.guest.request(kGet);
    // The host may send the first window's worth before anything is read.
    scene.relay.feed_guest(scene.guest.send(), scene.now);
    scene.host.receive(scene.relay.take_for_outside());
    CHECK(nghttp2_session_get_stream_remote_window_size(scene.host.session(), id) ==
          static_cast<std::int32_t>(limits::kRelayFirstWindowBytes));
    scene.run();
    CHECK(scene.guest.streams[id].closed == 0);
  }
}

TEST_CASE("http2 flow: bodies that nobody reads any more do not hold the connection") {
  Scene scene;
  scene.guest.keep_bodies = false;
  scene.host.on_head = [&](std::int32_t id) { scene.host.respond(id, kOk, {.out_more = kMiB}); };
  for (int i = 0; i < 200; ++i) {
    scene.now += std::chrono::seconds(1);
    auto id = scene.guest.request(kGet);
    scene.relay.feed_guest(scene.guest.send(), scene.now);
    scene.host.receive(scene.relay.take_for_outside());
    scene.relay.feed_outside(scene.host.send(), scene.now);
    scene.guest.reset(id, NGHTTP2_CANCEL);
    scene.run();
  }
  CHECK(scene.relay.streams() == 0);
  auto id = scene.guest.request(kGet);
  scene.run();
  CHECK(scene.guest.streams[id].body_bytes == kMiB);
}

TEST_CASE("http2 flow: whoever does not read what the relay answers is not read either") {
  Scene scene([](Fields&) { return Http2Refusal{403, "no"}; });
  auto id = 1;
  scene.relay.feed_guest(kPreface, scene.now);
  // Nothing is taken for the guest.
  for (; id < 20'000 && scene.relay.wants_guest(); id += 2) scene.relay.feed_guest(headers(id, kGet), scene.now);
  CHECK(!scene.relay.wants_guest());
  CHECK(id < 10'000);
  while (!scene.relay.take_for_guest().empty()) continue;
  CHECK((scene.relay.wants_guest() || scene.relay.over()));
}

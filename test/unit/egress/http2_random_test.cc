// Many requests at once, in pieces of any size and in any order. All bodies must arrive as they were sent.
#include "http2_peers.h"

using namespace http2_peers;

namespace {

std::string body_of(std::uint32_t seed) {
  std::minstd_rand random(seed + 1);
  std::string body(random() % (seed % 10 == 0 ? 300'000 : 5'000), '\0');
  for (auto& c : body) c = static_cast<char>(random());
  return body;
}

/// Bytes that wait in a socket.
struct Wire {
  std::string bytes;
  std::string next(std::mt19937& random) {
    std::size_t most = random() % 3 == 0 ? 1 : random() % 2 == 0 ? 1000 : 65'536;
    auto part = bytes.substr(0, 1 + random() % most);
    bytes.erase(0, part.size());
    return part;
  }
};

struct Storm {
  explicit Storm(std::uint32_t seed) : random(seed) {
    scene.host.on_end = [this](std::int32_t id) { answer(id); };
  }
  void answer(std::int32_t id) {
    auto& stream = scene.host.streams[id];
    auto number = static_cast<std::uint32_t>(std::stoul(value_of(stream.blocks.at(0), "x-number")));
    CHECK(stream.body == (number % 3 == 0 ? std::string() : body_of(number)));
    if (number % 7 == 0) scene.host.inform(id, {{":status", "103"}});
    if (number % 11 == 5) return scene.host.reset(id, NGHTTP2_INTERNAL_ERROR);
    Fields trailers;
    if (number % 4 == 0) trailers.push_back({"x-sum", std::to_string(number)});
    scene.host.respond(id, kOk, {.out = number % 5 == 0 ? "" : body_of(number + 1000), .out_trailers = trailers});
  }
  void request() {
    auto fields = kPost;
    auto number = static_cast<std::uint32_t>(numbers.size());
    fields.push_back({"x-number", std::to_string(number)});
    auto body = number % 3 == 0 ? std::string() : body_of(number);
    numbers[scene.guest.request(fields, {.out = body})] = number;
  }
  void step() {
    switch (random() % 8) {
      case 0:
        if (to_relay_up.bytes.size() < 100'000) to_relay_up.bytes += scene.guest.send(random() % 50'000);
        break;
      case 1:
        if (to_relay_down.bytes.size() < 100'000) to_relay_down.bytes += scene.host.send(random() % 50'000);
        break;
      case 2:
      case 3:
        if (scene.relay.wants_guest() && !to_relay_up.bytes.empty())
          scene.relay.feed_guest(to_relay_up.next(random), scene.now);
        break;
      case 4:
      case 5:
        if (scene.relay.wants_outside() && !to_relay_down.bytes.empty())
          scene.relay.feed_outside(to_relay_down.next(random), scene.now);
        break;
      case 6:
        if (from_relay_down.bytes.empty()) from_relay_down.bytes = scene.relay.take_for_guest();
        if (!from_relay_down.bytes.empty()) scene.guest.receive(from_relay_down.next(random));
        break;
      default:
        if (from_relay_up.bytes.empty()) from_relay_up.bytes = scene.relay.take_for_outside();
        if (!from_relay_up.bytes.empty()) scene.host.receive(from_relay_up.next(random));
    }
  }
  bool done() {
    return std::ranges::all_of(numbers, [&](auto& one) { return scene.guest.streams[one.first].closed.has_value(); });
  }
  void check() {
    for (auto [id, number] : numbers) {
      auto& stream = scene.guest.streams[id];
      CAPTURE(id, number);
      CHECK(stream.closed == (number % 11 == 5 ? NGHTTP2_INTERNAL_ERROR : NGHTTP2_NO_ERROR));
      if (number % 11 == 5) continue;
      CHECK(stream.body == (number % 5 == 0 ? std::string() : body_of(number + 1000)));
      CHECK(stream.blocks.size() == 1 + (number % 7 == 0) + (number % 4 == 0));
    }
  }

  std::mt19937 random;
  Scene scene{pass_all, {{NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, 20}}};
  std::map<std::int32_t, std::uint32_t> numbers;
  Wire to_relay_up, to_relay_down, from_relay_up, from_relay_down;
};

}  // namespace

TEST_CASE("http2 random: bodies arrive whatever the pieces are") {
  auto seed = GENERATE(1U, 2U, 3U, 4U, 5U, 6U);
  CAPTURE(seed);
  Storm storm(seed);
  for (int i = 0; i < 60; ++i) {
    storm.request();
    for (int steps = 0; steps < 100; ++steps) storm.step();
  }
  for (int steps = 0; steps < 3'000'000 && !(steps % 100 == 0 && storm.done()); ++steps) storm.step();
  REQUIRE(storm.done());
  storm.check();
  CHECK(storm.scene.relay.fault().empty());
}

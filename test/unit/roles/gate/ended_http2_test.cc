// HTTP/2 inside TLS that the gate ends, with clients and servers of nghttp2.
#include <mutex>

#include "base/base64.h"
#include "egress/http2_peers.h"
#include "ended_fixture.h"

using namespace banger;
using namespace banger::roles::gate;
using egress::Reason;
using Http2 = http2_peers::Peer;
using Fields = std::vector<egress::HttpField>;

namespace {

const Fields kOk{{":status", "200"}};

Fields get(const Fields& more, const std::string& authority = "api.vm") {
  Fields all{{":method", "GET"}, {":scheme", "https"}, {":authority", authority}, {":path", "/?k=banger-secret-KEY"}};
  all.insert(all.end(), more.begin(), more.end());
  return all;
}

/// Moves a peer's bytes over its end until it is done, or the connection has ended.
void talk(End& end, Http2& peer, const std::function<bool()>& done) {
  static std::mutex asserting;  // the peer's checks are not for two threads at once
  for (;;) {
    auto out = peer.send(1 << 16);
    if (!out.empty() && !end.send(out)) return;
    if (!out.empty()) continue;
    if (done()) return;
    auto more = end.some();
    if (more.empty()) return;
    std::scoped_lock lock(asserting);
    peer.receive(more);
  }
}

struct Http2Fixture : EndedFixture {
  Http2Fixture() {
    speaks = "h2";
    offer(client.get(), std::string("\x02h2\x08http/1.1", 12));
  }
  /// A server that answers each request when it is whole. It goes on until the guest ends.
  void answer(const Fields& head, const http2_peers::PeerStream& body = {}) {
    serve([this, head, body](End& end) {
      Http2 peer(Http2::server);
      peer.keep_bodies = keep_bodies;
      peer.on_end = [&](std::int32_t id) { peer.respond(id, head, body); };
      talk(end, peer, [] { return false; });
      seen = std::move(peer.streams);
    });
  }
  /// A guest that makes these requests, and waits for all answers.
  void ask(const std::vector<Fields>& requests, const http2_peers::PeerStream& body = {}) {
    visit([this, requests, body](End& end) {
      Http2 peer(Http2::client);
      peer.keep_bodies = keep_bodies;
      std::vector<std::int32_t> ids;
      for (const auto& request : requests) ids.push_back(peer.request(request, body));
      talk(end, peer,
           [&] { return std::ranges::all_of(ids, [&](auto id) { return peer.streams[id].closed.has_value(); }); });
      for (auto id : ids) answers.push_back(peer.streams[id]);
      end.end();
    });
  }
  std::string status(std::size_t number) const {
    return http2_peers::value_of(answers.at(number).blocks.back(), ":status");
  }
  std::string got(std::int32_t id, const std::string& field) {
    return http2_peers::value_of(seen[id].blocks.at(0), field);
  }

  bool keep_bodies = true;
  std::map<std::int32_t, http2_peers::PeerStream> seen;  ///< by the server
  std::vector<http2_peers::PeerStream> answers;
};

}  // namespace

TEST_CASE("gate http2: values go into header fields, not into paths, bodies or answers") {
  Http2Fixture f;
  http2_peers::PeerStream said;
  said.out = "banger-secret-KEY";
  f.answer(kOk, said);
  f.ask({get({{"authorization", "Basic " + to_base64("me:banger-secret-KEY")}, {"x-api-key", "banger-secret-KEY"}})},
        said);
  f.finish();
  CHECK(f.got(1, "authorization") == "Basic " + to_base64("me:s3cr3t-value"));
  CHECK(f.got(1, "x-api-key") == "s3cr3t-value");
  CHECK(f.got(1, ":path") == "/?k=banger-secret-KEY");
  CHECK(f.seen[1].body == "banger-secret-KEY");
  CHECK(f.seen[1].never_indexed == std::vector<std::string>{"authorization", "x-api-key"});
  REQUIRE(f.answers.size() == 1);
  CHECK(f.status(0) == "200");
  CHECK(f.answers[0].body == "banger-secret-KEY");
  CHECK(f.all_over());
}

TEST_CASE("gate http2: a request for another host is refused, and the others of the connection go on") {
  Http2Fixture f;
  f.answer(kOk);
  f.ask({get({}), get({{"x", "banger-secret-KEY"}}, "evil.org"), get({})});
  f.finish();
  REQUIRE(f.answers.size() == 3);
  CHECK(f.status(0) == "200");
  CHECK(f.status(1) == "403");
  CHECK(f.answers[1].body.find("is for another host") != std::string::npos);
  CHECK(f.status(2) == "200");
  CHECK(f.seen.size() <= 3);  // two streams, and perhaps what belongs to none
  for (const auto& [id, stream] : f.seen)
    for (const auto& block : stream.blocks) CHECK(http2_peers::value_of(block, ":authority") == "api.vm");
  CHECK(f.refused() == Reason::names_differ);
}

TEST_CASE("gate http2: a missing value is a 502 for its request alone, and a new value counts at once") {
  Http2Fixture f;
  f.set(Json::array({Http2Fixture::secret("KEY", nullptr, {"api.vm"})}));
  f.answer(kOk);
  f.ask({get({{"x", "banger-secret-KEY"}}), get({})});
  f.finish();
  REQUIRE(f.answers.size() == 2);
  CHECK(f.status(0) == "502");
  CHECK(f.answers[0].body.find("the value of the secret KEY is missing") != std::string::npos);
  CHECK(f.status(1) == "200");
  CHECK(f.refused() == Reason::secret_missing);
}

TEST_CASE("gate http2: fields that grow beyond the limit get a 431") {
  Http2Fixture f;
  f.set(Json::array({Http2Fixture::secret("KEY", std::string(16'000, 'v'), {"api.vm"})}));
  f.answer(kOk);
  std::string many;
  for (int i = 0; i < 10; ++i) many += "banger-secret-KEY";
  f.ask({get({{"x", many}})});
  f.finish();
  REQUIRE(f.answers.size() == 1);
  CHECK(f.status(0) == "431");
  CHECK(f.refused() == Reason::head_too_large);
}

TEST_CASE("gate http2: large bodies pass both ways on several streams") {
  Http2Fixture f;
  f.keep_bodies = false;
  http2_peers::PeerStream large;
  large.out_more = 10 << 20;
  f.answer(kOk, large);
  f.ask({get({}), get({})}, large);
  f.finish();
  REQUIRE(f.answers.size() == 2);
  for (const auto& answer : f.answers) CHECK(answer.body_bytes == large.out_more);
  CHECK(f.seen[1].body_bytes == large.out_more);
  CHECK(f.seen[3].body_bytes == large.out_more);
}

TEST_CASE("gate http2: a server that dies ends the guest's connection too") {
  Http2Fixture f;
  f.serve([](End& end) {
    end.some();
    end.reset();
  });
  f.ask({get({})});
  f.finish();
  REQUIRE(f.answers.size() == 1);
  CHECK(f.answers[0].blocks.empty());
  CHECK(f.all_over());
}

TEST_CASE("gate http2: a policy without the host cuts the connection") {
  Http2Fixture f;
  std::atomic<bool> open = false;
  f.serve([&](End& end) {
    end.some();
    open = true;
    end.rest();
  });
  f.ask({get({})});
  REQUIRE(f.until([&] { return open.load(); }));
  f.set(Json::array(), {"other.vm"});
  f.finish();
  CHECK(f.all_over());
}

TEST_CASE("gate http2: bytes that are no HTTP/2 end both sides") {
  Http2Fixture f;
  std::string got;
  f.serve([&](End& end) { got = end.rest(); });
  f.visit([](End& end) {
    end.send("GET / HTTP/1.1\r\nHost: api.vm\r\nx: banger-secret-KEY\r\n\r\n");
    end.rest();
  });
  f.finish();
  CHECK(got.find("s3cr3t") == std::string::npos);
  CHECK(f.all_over());
}

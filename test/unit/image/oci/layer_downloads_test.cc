// Downloads of layers from a registry in memory into a cache on disk.
#include "image/oci/layer_downloads.h"

#include "catch.h"
#include "host/files.h"
#include "image/oci/fake_registry.h"
#include "support/run.h"
#include "support/temp_dir.h"

using namespace banger;
using namespace image::oci;
using Catch::Matchers::Contains;

namespace {

struct Fixture {
  test::TempDir dir;
  host::Runtime runtime;
  host::Cancel cancel{runtime};
  test::FakeRegistry server;
  CredentialSources credentials{
      .env = [](const std::string&) { return std::nullopt; }, .home = dir.path(), .environment = {}};
  InsecureRegistries insecure;
  TokenCache tokens;
  BlobCache cache{dir.path()};
  KeyedLocks locks{runtime};
  std::string reported;

  Registry registry() {
    return Registry({runtime, server, credentials, insecure, tokens}, *parse_reference("a.test/app"), cancel);
  }
  static std::string url(const std::string& content) {
    return "GET https://a.test/v2/app/blobs/" + Digest::of(content).text();
  }
  Descriptor serve(const std::string& content) {
    server.put(url(content), 200, content);
    return {Digest::of(content), content.size()};
  }
  Task<Result<std::vector<UniqueFd>>> fetch(Registry& from, std::vector<Descriptor> layers) {
    auto report = [this](std::string_view, std::string_view detail, int) { reported = detail; };
    return fetch_layers({runtime, cache, locks}, from, std::move(layers), report, cancel);
  }
  Result<std::vector<UniqueFd>> fetch(std::vector<Descriptor> layers) {
    auto from = registry();
    return test::run(runtime, fetch(from, std::move(layers)));
  }
  std::string partial(const std::string& content) { return "blobs/sha256/" + Digest::of(content).hex() + ".partial"; }
};

std::string text(const UniqueFd& fd) { return *host::read_all(fd.get(), "blob", 1 << 20); }

}  // namespace

TEST_CASE("layers: all arrive in order, and each is fetched once") {
  Fixture f;
  std::vector<Descriptor> layers;
  for (int i = 0; i < 6; ++i) layers.push_back(f.serve("layer " + std::to_string(i)));
  layers.push_back(layers[0]);
  auto blobs = f.fetch(layers);
  REQUIRE(blobs);
  REQUIRE(blobs->size() == 7);
  CHECK(text((*blobs)[3]) == "layer 3");
  CHECK(text((*blobs)[6]) == "layer 0");
  CHECK(f.server.requests.size() == 6);
  REQUIRE(f.fetch(layers));
  CHECK(f.server.requests.size() == 6);
}

TEST_CASE("layers: two pulls at once share one download") {
  Fixture f;
  f.server.piece_bytes = 10;
  auto layer = f.serve(std::string(1000, 'x'));
  auto one = f.registry(), two = f.registry();
  auto both = [&]() -> Task<bool> {
    bool first = false;
    host::Event done(f.runtime);
    f.runtime.spawn([](Fixture* at, Registry* from, Descriptor what, bool* ok, host::Event* end) -> Task<> {
      *ok = (co_await at->fetch(*from, {what})).has_value();
      end->notify_all();
    }(&f, &one, layer, &first, &done));
    bool second = (co_await f.fetch(two, {layer})).has_value();
    while (!first) co_await done.wait(host::after(std::chrono::seconds(1)));
    co_return second;
  };
  CHECK(test::run(f.runtime, both()));
  CHECK(f.server.requests.size() == 1);
}

TEST_CASE("layers: a download goes on where the last one ended") {
  Fixture f;
  auto layer = f.serve("0123456789");
  f.dir.put(f.partial("0123456789"), "0123");
  auto blobs = f.fetch({layer});
  REQUIRE(blobs);
  CHECK(text((*blobs)[0]) == "0123456789");
  CHECK_FALSE(std::filesystem::exists(f.dir / f.partial("0123456789")));
}

TEST_CASE("layers: a token or an address that expires is asked for again, and the download goes on") {
  for (int status : {401, 403}) {
    Fixture f;
    f.server.piece_bytes = 2;
    auto layer = f.serve("0123456789");
    auto url = "GET https://storage.test/blob";
    f.server.put(f.url("0123456789"), 307, "", {{"Location", "https://storage.test/blob"}});
    f.server.put(url, 200, "0123456789");
    f.server.breaks[url] = {4, status};
    auto blobs = f.fetch({layer});
    INFO((blobs ? "" : blobs.error().sentence()));
    REQUIRE(blobs);
    CHECK(text((*blobs)[0]) == "0123456789");
    CHECK(f.server.offsets.back() == 4);
  }
}

TEST_CASE("layers: a damaged beginning is fetched again, and a complete one is not") {
  Fixture f;
  auto layer = f.serve("0123456789");
  f.dir.put(f.partial("0123456789"), "9999");
  REQUIRE(f.fetch({layer}));
  CHECK(f.server.requests.size() == 2);
  auto other = f.serve("abc");
  f.dir.put(f.partial("abc"), "abc");
  f.server.requests.clear();
  REQUIRE(f.fetch({other}));
  CHECK(f.server.requests.empty());
}

TEST_CASE("layers: a size that is a lie costs others nothing") {
  Fixture f;
  auto layer = f.serve("0123456789");
  auto lie = layer;
  lie.size = 3;
  f.dir.put(f.partial("0123456789"), "01234");
  CHECK(f.fetch({lie}).error().code == ErrorCode::corrupt);
  CHECK(f.dir.get(f.partial("0123456789")) == "01234");
  REQUIRE(f.fetch({layer}));
  CHECK(f.server.offsets.back() == 5);
  CHECK(f.fetch({lie}).error().code == ErrorCode::corrupt);
  CHECK(text((*f.fetch({layer}))[0]) == "0123456789");
}

TEST_CASE("layers: wrong content is refused and leaves nothing") {
  Fixture f;
  auto layer = f.serve("right");
  f.server.put(f.url("right"), 200, "wrong");
  auto wrong = f.fetch({layer});
  REQUIRE_FALSE(wrong);
  CHECK(wrong.error().code == ErrorCode::corrupt);
  CHECK_THAT(wrong.error().sentence(), Contains("does not match its digest"));
  CHECK(f.cache.unused({}).empty());
  f.server.put(f.url("right"), 200, "of another size");
  wrong = f.fetch({layer});
  REQUIRE_FALSE(wrong);
  CHECK(wrong.error().code == ErrorCode::corrupt);
  CHECK(wrong.error().hint == "try again; if this goes on, ask who runs the registry");
  CHECK(f.cache.unused({}).empty());
}

TEST_CASE("layers: one failure is the error, and the caller's end ends everything") {
  Fixture f;
  auto good = f.serve("good"), bad = f.serve("bad");
  f.server.put(f.url("bad"), 404);
  auto failed = f.fetch({good, bad});
  REQUIRE_FALSE(failed);
  CHECK_THAT(failed.error().sentence(), Contains("registry a.test has no layer " + bad.digest.brief()));
  f.cancel.request();
  CHECK(f.fetch({f.serve("later")}).error().code == ErrorCode::cancelled);
}

TEST_CASE("layers: progress tells of all layers and of each that runs") {
  std::vector<LayerProgress> layers{
      {.digest = Digest::of("a"), .size_bytes = 100, .done_bytes = 100},
      {.digest = Digest::of("b"), .size_bytes = 300, .done_bytes = 60, .running = true},
  };
  auto now = host::Clock::now();
  auto text = "1 of 2 layers, 160B of 400B (" + Digest::of("b").brief() + " 20%)";
  CHECK(progress_text(layers, now) == text);
  layers[1].heard = now - std::chrono::seconds(9);
  CHECK(progress_text(layers, now) == text);
  CHECK(progress_percent(layers) == 40);
  CHECK(progress_percent({}) == 100);
}

TEST_CASE("layers: progress tells when the registry sends nothing, and for how long banger waits") {
  auto now = host::Clock::now();
  std::vector<LayerProgress> layers{
      {.digest = Digest::of("a"), .size_bytes = 9, .done_bytes = 1, .running = true, .heard = now},
      {.digest = Digest::of("b"), .size_bytes = 9, .running = true, .heard = now - std::chrono::seconds(12)},
  };
  CHECK(progress_text(layers, now).ends_with("; the registry has sent nothing for 12 s, and banger waits for 240 s"));
  layers[1].running = false;  // it waits for its turn
  CHECK_FALSE(progress_text(layers, now).contains("nothing"));
  layers[1].running = true;
  layers[1].done_bytes = 9;  // its bytes go to the disk
  CHECK_FALSE(progress_text(layers, now).contains("nothing"));
}

TEST_CASE("layers: whoever waits for a download of somebody else sees how far it is") {
  Fixture f;
  auto layer = f.serve("0123456789");
  auto partial = f.cache.open_partial(layer);
  REQUIRE((partial && *partial));
  REQUIRE(host::write_all((*partial)->fd.get(), "0123"));
  auto from = f.registry();
  auto leave_when_seen = [&](std::string_view, std::string_view detail, int) {
    f.reported = detail;
    if (detail.contains("40%")) f.cancel.request();
  };
  auto fetched =
      test::run(f.runtime, fetch_layers({f.runtime, f.cache, f.locks}, from, {layer}, leave_when_seen, f.cancel));
  CHECK(fetched.error().code == ErrorCode::cancelled);
  CHECK_THAT(f.reported, Contains("40%"));
}

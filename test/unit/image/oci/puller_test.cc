// Whole pulls, from a registry in memory to an image in a store on disk.
#include "image/oci/puller.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "base/json.h"
#include "catch.h"
#include "host/files.h"
#include "image/kernel/samples.h"
#include "image/oci/fake_registry.h"
#include "support/image_file.h"

using namespace banger;
using namespace image::oci;
using Catch::Matchers::Contains;

namespace {

void no_progress(std::string_view, std::string_view, int) {}

/// A registry with one image of two layers.
struct Fixture {
  samples::TempDir dir;
  host::Runtime runtime;
  host::Cancel cancel{runtime};
  test::FakeRegistry server;
  image::ImageStore store{runtime, dir / "images", dir / "cache", "/usr/bin:/bin"};
  Puller puller{
      runtime,       store,
      server,        {.env = [](const std::string&) { return std::nullopt; }, .home = dir / "home", .environment = {}},
      dir / "cache", {}};
  std::string lower = samples::tar({{"etc/hostname", "lower"}, {"etc/gone", "x"}}, samples::Pack::none);
  std::string upper = samples::tar({{"etc/hostname", "upper"}, {"etc/.wh.gone", ""}}, samples::Pack::none);
  std::string manifest;

  Fixture() { serve("amd64"); }

  void blob(const std::string& content) {
    server.put("GET https://a.test/v2/app/blobs/" + Digest::of(content).text(), 200, content);
  }
  void document(const std::string& content, const std::string& tag = "") {
    auto url = "https://a.test/v2/app/manifests/";
    server.put("GET " + (url + Digest::of(content).text()), 200, content);
    if (tag.empty()) return;
    server.put("GET " + (url + tag), 200, content);
    server.put("HEAD " + (url + tag), 200, "", {{"Docker-Content-Digest", Digest::of(content).text()}});
  }
  static Json descriptor(std::string_view type, const std::string& content) {
    return {{"mediaType", type}, {"digest", Digest::of(content).text()}, {"size", content.size()}};
  }
  void serve(const std::string& architecture) {
    Json config{{"os", "linux"},
                {"architecture", architecture},
                {"config", {{"Env", {"A=1"}}, {"Cmd", {"sh"}}}},
                {"rootfs", {{"diff_ids", {Digest::of(lower).text(), Digest::of(upper).text()}}}}};
    auto config_text = dump_json(config);
    constexpr auto kLayer = "application/vnd.oci.image.layer.v1.tar";
    Json layers = Json::array({descriptor(kLayer, lower), descriptor(kLayer, upper)});
    Json json{{"schemaVersion", 2},
              {"config", descriptor("application/vnd.oci.image.config.v1+json", config_text)},
              {"layers", layers}};
    manifest = dump_json(json);
    for (const auto& content : {config_text, lower, upper}) blob(content);
    document(manifest, "latest");
  }
  Result<PullResult> pull(std::string reference = "a.test/app", Cached cached = Cached::use) {
    return test::run(runtime, puller.pull(std::move(reference), cached, no_progress, cancel));
  }
  std::string error(std::string reference = "a.test/app") {
    auto pulled = pull(std::move(reference));
    return pulled ? "" : pulled.error().sentence();
  }
};

}  // namespace

TEST_CASE("pull: layers become an image with its reference as its name") {
  Fixture f;
  auto pulled = f.pull();
  INFO((pulled ? "" : pulled.error().sentence()));
  REQUIRE(pulled);
  CHECK_FALSE(pulled->already);
  const auto& image = pulled->image;
  CHECK(image.name == "a.test/app:latest");
  CHECK(image.source == "registry:a.test/app:latest");
  CHECK(image.kernel == kDefaultKernel);
  CHECK(image.run_config.cmd == std::vector<std::string>{"sh"});
  CHECK(image.pulled.digest == Digest::of(f.manifest).text());
  REQUIRE(image.pulled.layers.size() == 2);
  CHECK(image.pulled.layers[1].size_bytes == f.upper.size());
  CHECK(image.sha256.empty());
  CHECK(*test::read_file_in_image(image.rootfs, "/etc/hostname", 100) == "upper");
  CHECK_FALSE(test::read_file_in_image(image.rootfs, "/etc/gone", 100));
  CHECK(f.store.get("a.test/app")->id == image.id);
  CHECK(f.puller.unused()->empty());
  auto directory = image.rootfs.substr(0, image.rootfs.rfind('/'));
  CHECK(*host::read_file(directory + "/oci-manifest.json", 1 << 20) == f.manifest);
}

TEST_CASE("pull: a second pull of the same digest asks for the digest only") {
  Fixture f;
  auto first = f.pull();
  REQUIRE(first);
  f.server.requests.clear();
  auto second = f.pull();
  REQUIRE(second);
  CHECK(second->already);
  CHECK(second->image.id == first->image.id);
  CHECK(f.server.asked() == std::vector<std::string>{"HEAD https://a.test/v2/app/manifests/latest"});
}

namespace {

/// Sends no layer before somebody opens it.
struct Gated : test::FakeRegistry {
  explicit Gated(host::Runtime& loop) : runtime(loop) {}
  Task<Result<http::Response>> download(http::Request request, http::Download to) override {
    while (!open) co_await runtime.sleep_for(std::chrono::milliseconds(1));
    co_return co_await FakeRegistry::download(std::move(request), std::move(to));
  }
  host::Runtime& runtime;
  bool open = false;
};

Task<> pull_beside(Puller* puller, host::Cancel* cancel, int* left) {
  auto pulled = co_await puller->pull("a.test/app", Cached::use, no_progress, *cancel);
  CHECK((pulled && !pulled->already));
  --*left;
}

}  // namespace

TEST_CASE("pull: the second of two pulls of one image shows how far the first is") {
  Fixture f;
  Gated server(f.runtime);
  server.answers = f.server.answers;
  Puller puller(f.runtime, f.store, server,
                {.env = [](const std::string&) { return std::nullopt; }, .home = f.dir / "home", .environment = {}},
                f.dir / "cache", {});
  int left = 1;
  f.runtime.spawn(pull_beside(&puller, &f.cancel, &left));
  std::string seen;
  auto look = [&](std::string_view stage, std::string_view detail, int) {
    if (stage != "download") return;
    seen = detail;
    server.open = true;  // the first pull goes on only after this
  };
  auto second = test::run(f.runtime, puller.pull("a.test/app", Cached::use, look, f.cancel));
  REQUIRE(second);
  CHECK(second->already);
  CHECK_THAT(seen, Contains("of 2 layers"));
  CHECK(left == 0);
}

TEST_CASE("pull: two tags of one digest are one image with two names") {
  Fixture f;
  f.document(f.manifest, "v1");
  auto first = f.pull(), second = f.pull("a.test/app:v1");
  REQUIRE(first);
  REQUIRE(second);
  CHECK(second->already);
  CHECK(f.store.list()->size() == 1);
  CHECK(f.store.get("a.test/app:v1")->id == first->image.id);
  auto by_digest = f.pull("a.test/app@" + Digest::of(f.manifest).text());
  REQUIRE(by_digest);
  CHECK(by_digest->already);
}

TEST_CASE("pull: a tag that moves leaves the older image without the name") {
  Fixture f;
  auto first = f.pull();
  REQUIRE(first);
  f.upper = samples::tar({{"etc/hostname", "newer"}}, samples::Pack::none);
  f.serve("amd64");
  f.server.requests.clear();
  auto second = f.pull();
  REQUIRE(second);
  CHECK(second->image.id != first->image.id);
  CHECK(f.store.get("a.test/app")->id == second->image.id);
  CHECK(f.store.get(first->image.id)->name == "");
  // The lower layer was cached.
  CHECK(f.server.count("GET https://a.test/v2/app/blobs/" + Digest::of(f.lower).text()) == 0);
}

TEST_CASE("pull: an index leads to the image for this platform") {
  Fixture f;
  auto entry = Fixture::descriptor("application/vnd.oci.image.manifest.v1+json", f.manifest);
  entry["platform"] = {{"os", "linux"}, {"architecture", "amd64"}};
  f.document(dump_json({{"schemaVersion", 2}, {"manifests", Json::array({entry})}}), "latest");
  auto pulled = f.pull();
  REQUIRE(pulled);
  CHECK(pulled->image.pulled.manifest == Digest::of(f.manifest).text());
  CHECK(pulled->image.pulled.digest != pulled->image.pulled.manifest);

  // A new index with the same image for this platform is the same image, with the new digest.
  f.document(dump_json({{"schemaVersion", 2}, {"manifests", Json::array({entry})}, {"annotations", {{"a", "b"}}}}),
             "latest");
  CHECK(f.pull()->image.id == pulled->image.id);
  f.server.requests.clear();
  CHECK(f.pull()->already);
  CHECK(f.server.requests.size() == 1);

  entry["platform"]["architecture"] = "arm64";
  f.document(dump_json({{"schemaVersion", 2}, {"manifests", Json::array({entry})}}), "latest");
  CHECK_THAT(f.error(), Contains("pull 'a.test/app:latest': the image is not built for linux/amd64 (hint: there is"));
}

TEST_CASE("pull: indexes of indexes end") {
  Fixture f;
  auto inner = f.manifest;
  for (int i = 0; i < 4; ++i) {
    auto entry = Fixture::descriptor("application/vnd.oci.image.index.v1+json", inner);
    inner = dump_json({{"schemaVersion", 2}, {"manifests", Json::array({entry})}, {"annotations", {{"n", i}}}});
    f.document(inner, "latest");
  }
  CHECK_THAT(f.error(), Contains("more than 2 indexes"));
}

TEST_CASE("pull: what an image lies about is refused, and nothing is left") {
  Fixture f;
  f.serve("arm64");
  CHECK_THAT(f.error(), Contains("there is linux/arm64"));
  std::swap(f.lower, f.upper);
  f.serve("amd64");
  auto good = f.manifest;
  auto json = Json::parse(f.manifest);
  std::swap(json["layers"][0], json["layers"][1]);
  f.document(json.dump(), "latest");
  CHECK_THAT(f.error(), Contains("layer sha256:"));
  CHECK(f.store.list()->empty());
  CHECK(f.store.leftovers().empty());
}

TEST_CASE("pull: a cached layer that was damaged is fetched again") {
  Fixture f;
  auto first = f.pull();
  REQUIRE(first);
  auto path = "cache/blobs/sha256/" + Digest::of(f.upper).hex();
  auto broken = f.upper;
  broken[600] ^= 1;
  samples::write(f.dir / path, broken);
  auto second = f.pull("a.test/app", Cached::ignore);
  REQUIRE(second);
  CHECK(second->image.id != first->image.id);
  samples::write(f.dir / path, broken);
  f.document(f.manifest, "v1");
  REQUIRE(test::run(f.runtime, f.store.remove(second->image.id)));
  REQUIRE(test::run(f.runtime, f.store.remove(first->image.id)));
  CHECK(f.pull());
  CHECK(*host::read_file(f.dir / path, 1 << 20) == f.upper);
}

TEST_CASE("pull: a cached layer that is cut short is fetched again, and one of a lie stays") {
  Fixture f;
  auto path = "cache/blobs/sha256/" + Digest::of(f.upper).hex();
  samples::write(f.dir / path, f.upper.substr(0, 100));
  CHECK(f.pull());
  CHECK(*host::read_file(f.dir / path, 1 << 20) == f.upper);
  auto json = Json::parse(f.manifest);
  for (auto& layer : json["layers"]) layer["size"] = 5;
  f.document(json.dump(), "latest");
  CHECK_THAT(f.error(), Contains("has 5 bytes"));
  CHECK(*host::read_file(f.dir / path, 1 << 20) == f.upper);
}

TEST_CASE("pull: layers of deleted images are unused") {
  Fixture f;
  auto pulled = f.pull();
  REQUIRE(pulled);
  REQUIRE(test::run(f.runtime, f.store.remove(pulled->image.id)));
  CHECK(f.puller.unused()->size() == 2);
}

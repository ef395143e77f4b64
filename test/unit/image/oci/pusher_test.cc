// Whole pushes, from an image in a store on disk to a registry in memory.
#include "image/oci/pusher.h"

#include <unistd.h>

#include <nlohmann/json.hpp>

#include "base/json.h"
#include "catch.h"
#include "image/kernel/samples.h"
#include "image/oci/documents.h"
#include "image/oci/fake_registry.h"

using namespace banger;
using namespace image::oci;
using Catch::Matchers::Contains;

namespace {

void no_progress(std::string_view, std::string_view, int) {}

/// A registry that keeps what is pushed, and an image without a registry.
struct Fixture {
  samples::TempDir dir;
  host::Runtime runtime;
  host::Cancel cancel{runtime};
  test::FakeRegistry server;
  image::ImageStore store{runtime, dir / "images", dir / "cache", "/usr/bin:/bin"};
  Pusher pusher{
      runtime,       store,
      server,        {.env = [](const std::string&) { return std::nullopt; }, .home = dir / "home", .environment = {}},
      dir / "cache", {}};
  image::Image image;

  Fixture() {
    samples::write(dir / "rootfs.tar", samples::tar({{"etc/hostname", "x"}}, samples::Pack::none));
    guestcfg::RunConfig config{.env = {"A=1"}, .cmd = {"/bin/sh"}};
    auto made = samples::run(runtime, store.import_tar("mine", dir / "rootfs.tar", "k", config, no_progress, cancel));
    REQUIRE(made);
    image = *made;
    server.put("POST https://a.test/v2/app/blobs/uploads/", 202, "", {{"Location", "/v2/app/blobs/uploads/1?s=2"}});
    server.put("PUT https://a.test/v2/app/manifests/latest", 201);
  }

  /// The layer and the config are not known before they are made, so any digest is taken.
  void accept_uploads(int status = 201) {
    server.otherwise = [status](const http::Request& request) {
      return test::FakeRegistry::response(request.method == "PUT" ? status : 404);
    };
  }

  Result<PushResult> push(std::string reference = "a.test/app") {
    return test::run(runtime, pusher.push(image, std::move(reference), no_progress, cancel));
  }
  std::string manifest() const {
    for (const auto& request : server.requests)
      if (request.method == "PUT" && request.url.target.find("/manifests/") != std::string::npos) return request.body;
    return "";
  }
};

}  // namespace

TEST_CASE("push: an image becomes one layer, a config and a manifest") {
  Fixture f;
  f.accept_uploads();
  auto pushed = f.push();
  if (!pushed) FAIL(pushed.error().sentence());
  CHECK(pushed->name == "a.test/app:latest");
  CHECK(pushed->digest == Digest::of(f.manifest()));
  auto document = parse_document(f.manifest(), kOciManifest);
  REQUIRE(document);
  const auto& manifest = std::get<Manifest>(*document);
  REQUIRE(manifest.layers.size() == 1);
  CHECK(pushed->sent_bytes == manifest.layers[0].size + manifest.config.size);
  auto place = "PUT https://a.test/v2/app/blobs/uploads/1?s=2&digest=";
  CHECK(f.server.count(place + manifest.layers[0].digest.text()) == 1);
  CHECK(f.server.count(place + manifest.config.digest.text()) == 1);
  CHECK(f.server.asked().back() == "PUT https://a.test/v2/app/manifests/latest");
}

TEST_CASE("push: the config has how programs want to run") {
  Fixture f;
  auto config = Json::parse(write_config(f.image, {Digest::of("layer")}));
  CHECK(config["config"] == Json{{"Env", {"A=1"}}, {"Cmd", {"/bin/sh"}}});
  CHECK(config["rootfs"]["diff_ids"][0] == Digest::of("layer").text());
  CHECK(config["history"][0]["created_by"] == "banger image import");
  CHECK(config["created"].get<std::string>().size() == 20);
}

TEST_CASE("push: the same image gives the same bytes") {
  Fixture f;
  f.accept_uploads();
  auto first = f.push(), second = f.push();
  REQUIRE((first && second));
  CHECK(first->digest == second->digest);
}

TEST_CASE("push: an upload that breaks starts again, and errors are sentences") {
  Fixture f;
  int puts = 0;
  f.server.otherwise = [&](const http::Request& request) {
    return test::FakeRegistry::response(request.method != "PUT" ? 404 : puts++ == 0 ? 503 : 201);
  };
  CHECK(f.push());
  CHECK(puts == 3);  // the layer twice, the config once
  f.accept_uploads(413);
  CHECK_THAT(f.push().error().sentence(), Contains("as too large") && Contains("(hint: "));
  f.accept_uploads(403);
  CHECK_THAT(f.push().error().sentence(), Contains("somebody without a login") && Contains("docker login a.test"));
}

TEST_CASE("push: a place for uploads inside of this host's network is refused") {
  Fixture f;
  f.accept_uploads();
  f.server.put("POST https://a.test/v2/app/blobs/uploads/", 202, "", {{"Location", "https://169.254.169.254/x"}});
  CHECK_THAT(f.push().error().sentence(), Contains("inside of this host's network"));
}

TEST_CASE("push: a digest is no place to push to") {
  Fixture f;
  CHECK(f.push("a.test/app@" + Digest::of("x").text()).error().code == ErrorCode::invalid);
  CHECK(f.server.requests.empty());
}

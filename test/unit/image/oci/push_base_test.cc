// Pushes of images that were made from VMs of pulled images, to a registry in memory that keeps what it gets.
#include "image/oci/push_base.h"

#include <fmt/format.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include "base/json.h"
#include "catch.h"
#include "image/kernel/samples.h"
#include "image/oci/documents.h"
#include "image/oci/fake_registry.h"
#include "image/oci/pusher.h"
#include "image/pulled_documents.h"
#include "support/fs_fixture.h"
#include "support/image_file.h"

using namespace banger;
using namespace image::oci;
using Catch::Matchers::Contains;
using test::TarBytes;

namespace {

void no_progress(std::string_view, std::string_view, int) {}

class Bytes : public image::ByteStream {
 public:
  explicit Bytes(std::string bytes) : bytes_(std::move(bytes)) {}
  Task<Result<std::string>> read() override { co_return std::exchange(bytes_, {}); }

 private:
  std::string bytes_;
};

std::string content_of(const http::Request& request) {
  if (!request.file) return request.body;
  std::string content(request.file->size_bytes, '\0');
  REQUIRE(::pread(request.file->fd, content.data(), content.size(), 0) == static_cast<ssize_t>(content.size()));
  return content;
}

/// Keeps blobs by "HOST/REPOSITORY/DIGEST", and manifests as "HOST/REPOSITORY/TAG".
class Keeper {
 public:
  std::map<std::string, std::string> kept;
  std::vector<std::string> uploaded, mounted;  ///< digests

  http::Response answer(const http::Request& request) {
    auto [repository, kind, rest] = parts(request);
    auto digest = rest.substr(rest.find("digest=") == rest.npos ? 0 : rest.find("digest=") + 7);
    if (request.method == "POST") return begin(repository, request.url.host, rest);
    if (request.method == "PUT" && kind == "blobs") {
      kept[repository + "/" + digest] = content_of(request);
      uploaded.push_back(digest);
      return test::FakeRegistry::response(201);
    }
    if (request.method == "PUT") {
      kept[repository + "/" + rest] = kept[repository + "/" + Digest::of(request.body).text()] = request.body;
      return test::FakeRegistry::response(201);
    }
    auto found = kept.find(repository + "/" + rest);
    if (found == kept.end()) return test::FakeRegistry::response(404);
    http::Headers headers;
    headers.set("Docker-Content-Digest", Digest::of(found->second).text());
    return test::FakeRegistry::response(200, request.method == "HEAD" ? "" : found->second, headers);
  }

 private:
  static std::tuple<std::string, std::string, std::string> parts(const http::Request& request) {
    auto target = request.url.target.substr(4);  // without "/v2/"
    std::string kind = target.find("/blobs/") != target.npos ? "blobs" : "manifests";
    auto at = target.find("/" + kind + "/");
    if (at == target.npos) return {"", "", ""};
    return {request.url.host + "/" + target.substr(0, at), kind, target.substr(at + kind.size() + 2)};
  }

  http::Response begin(const std::string& repository, const std::string& host, const std::string& rest) {
    auto mount = rest.find("mount="), from = rest.find("&from=");
    if (mount != rest.npos && from != rest.npos) {
      auto digest = rest.substr(mount + 6, from - mount - 6);
      auto source = kept.find(host + "/" + rest.substr(from + 6) + "/" + digest);
      if (source != kept.end()) {
        kept[repository + "/" + digest] = source->second;
        mounted.push_back(digest);
        return test::FakeRegistry::response(201);
      }
    }
    auto place = "/v2/" + repository.substr(repository.find('/') + 1) + "/blobs/uploads/1?s=2";
    http::Headers headers;
    headers.set("Location", place);
    return test::FakeRegistry::response(202, "", headers);
  }
};

/// An image of two layers in a.test/app, which was pulled, and an image from one of its VMs.
struct Fixture {
  samples::TempDir dir;
  host::Runtime runtime;
  host::Cancel cancel{runtime};
  test::FakeRegistry server;
  Keeper keeper;
  image::ImageStore store{runtime, dir / "images", dir / "cache", "/usr/bin:/bin"};
  CredentialSources logins{
      .env = [](const std::string&) { return std::nullopt; }, .home = dir / "home", .environment = {}};
  Puller puller{runtime, store, server, logins, dir / "cache", {}};
  Pusher pusher{runtime, store, server, logins, dir / "cache", {}};
  std::vector<std::string> base = {
      TarBytes().directory("./").directory("./etc").file("./etc/name", "lower").file("./etc/gone").done(),
      TarBytes().file("./etc/name", "upper").hard_link("./etc/same", "./etc/name").done()};
  image::Image parent, made;

  Fixture() {
    server.otherwise = [this](const http::Request& request) { return keeper.answer(request); };
    for (auto host : {"a.test", "b.test"}) server.put(fmt::format("GET https://{}/v2/", host), 200);
    serve();
    auto pulled = test::run(runtime, puller.pull("a.test/app", Cached::use, no_progress, cancel));
    if (!pulled) FAIL(pulled.error().sentence());
    parent = pulled->image;
  }

  void serve() {
    constexpr auto kLayer = "application/vnd.docker.image.rootfs.diff.tar";
    Json config{{"os", "linux"}, {"architecture", "amd64"}};
    config["config"] = {{"Env", {"A=1"}}, {"Labels", {{"who", "me"}}}};
    config["history"] = {{{"created_by", "one"}}, {{"created_by", "none"}, {"empty_layer", true}}, {{"comment", "2"}}};
    Json layers = Json::array();
    for (const auto& layer : base) {
      config["rootfs"]["diff_ids"].push_back(Digest::of(layer).text());
      layers.push_back({{"mediaType", kLayer}, {"digest", Digest::of(layer).text()}, {"size", layer.size()}});
      keeper.kept["a.test/app/" + Digest::of(layer).text()] = layer;
    }
    auto text = dump_json(config);
    keeper.kept["a.test/app/" + Digest::of(text).text()] = text;
    auto manifest = dump_json({{"schemaVersion", 2},
                               {"config",
                                {{"mediaType", "application/vnd.docker.container.image.v1+json"},
                                 {"digest", Digest::of(text).text()},
                                 {"size", text.size()}}},
                               {"layers", layers}});
    keeper.kept["a.test/app/latest"] = keeper.kept["a.test/app/" + Digest::of(manifest).text()] = manifest;
  }

  /// The image of a VM that has these files.
  void make(const std::string& files, const image::Image& of) {
    image::GuestImage guest{.image = {.id = {}, .name = "box", .source = "vm:web", .kernel = "k"},
                            .tar = std::make_unique<Bytes>(files),
                            .documents = *image::read_documents(of),
                            .max_content_bytes = 1 << 30,
                            .patience = std::chrono::minutes(1)};
    guest.image.base = image::base_of(of);
    guest.image.run_config = of.run_config;
    auto added = test::run(runtime, store.add_guest(std::move(guest), no_progress, cancel));
    if (!added) FAIL(added.error().sentence());
    made = added->first;
  }
  void make_unchanged() {
    make(TarBytes()
             .directory("./")
             .directory("./etc")
             .file("./etc/gone")
             .file("./etc/name", "upper")
             .hard_link("./etc/same", "./etc/name")
             .done(),
         parent);
  }
  void make_changed() {
    make(TarBytes().directory("./").directory("./etc").file("./etc/name", "upper").file("./new", "new").done(), parent);
  }

  PushResult push(const std::string& reference = "b.test/box") {
    auto pushed = test::run(runtime, pusher.push(made, reference, no_progress, cancel));
    if (!pushed) FAIL(pushed.error().sentence());
    return *pushed;
  }
  Manifest manifest(const std::string& place = "b.test/box/latest") const {
    return std::get<Manifest>(*parse_document(keeper.kept.at(place), kOciManifest));
  }
  void drop_cache() { std::filesystem::remove_all(dir / "cache"); }
};

}  // namespace

TEST_CASE("push: an image from a VM has the layers of its base, and one with what is different") {
  Fixture f;
  f.make_changed();
  auto pushed = f.push();
  CHECK(pushed.note == "");
  CHECK(pushed.layers == 3);
  auto manifest = f.manifest();
  REQUIRE(manifest.layers.size() == 3);
  CHECK(manifest.layers[0].digest == Digest::of(f.base[0]));
  CHECK(manifest.layers[1].digest == Digest::of(f.base[1]));
  CHECK(manifest.layers[1].media_type == "application/vnd.oci.image.layer.v1.tar");  // one family of types

  auto again = test::run(f.runtime, f.puller.pull("b.test/box", Cached::use, no_progress, f.cancel));
  if (!again) FAIL(again.error().sentence());
  const auto& rootfs = again->image.rootfs;
  CHECK(*test::read_file_in_image(rootfs, "/new", 100) == "new");
  CHECK(*test::read_file_in_image(rootfs, "/etc/name", 100) == "upper");
  CHECK_FALSE(test::read_file_in_image(rootfs, "/etc/same", 100));
  CHECK_FALSE(test::read_file_in_image(rootfs, "/etc/gone", 100));
}

TEST_CASE("push: an unchanged VM gives a tiny layer, and the same digest each time") {
  Fixture f;
  f.make_unchanged();
  auto first = f.push();
  CHECK(f.manifest().layers[2].size < 200);
  auto second = f.push();
  CHECK(second.digest == first.digest);
  CHECK(second.sent_bytes == 0);
}

TEST_CASE("push: without the base image, its file system is made of the cached layers, with the same result") {
  Fixture f;
  f.make_changed();
  auto first = f.push();
  REQUIRE(test::run(f.runtime, f.store.remove(f.parent.id)));
  auto second = f.push();
  CHECK(second.digest == first.digest);
  CHECK(second.note == "");
  CHECK(f.store.leftovers().empty());
  CHECK(f.puller.unused()->empty());  // the image still needs the layers
}

TEST_CASE("push: layers that the registry has are not sent again, and not even read") {
  Fixture f;
  f.make_changed();
  auto first = f.push();
  f.keeper.uploaded.clear();
  f.drop_cache();
  auto second = f.push();
  CHECK(second.digest == first.digest);
  CHECK(f.keeper.uploaded.empty());
}

TEST_CASE("push: the base's layers are mounted from their own repository") {
  Fixture f;
  f.make_changed();
  auto pushed = f.push("a.test/box");
  CHECK(pushed.sent_bytes ==
        f.manifest("a.test/box/latest").layers[2].size + f.manifest("a.test/box/latest").config.size);
  CHECK(f.keeper.mounted == std::vector{Digest::of(f.base[0]).text(), Digest::of(f.base[1]).text()});
  CHECK(f.keeper.uploaded.size() == 2);  // the new layer and the config
}

TEST_CASE("push: an image whose base's layers are gone becomes one layer, with the reason") {
  Fixture f;
  f.make_changed();
  f.drop_cache();
  auto pushed = f.push();
  CHECK(pushed.layers == 1);
  CHECK_THAT(pushed.note, Contains("a.test/app:latest") && Contains("no longer in the cache"));
  CHECK(f.manifest().layers.size() == 1);

  f.make_changed();  // of the same parent, whose layers only the registry has
  REQUIRE(test::run(f.runtime, f.store.remove(f.parent.id)));
  for (const auto& layer : f.base) f.keeper.kept["b.test/box/" + Digest::of(layer).text()] = layer;
  CHECK(f.push().layers == 1);
}

TEST_CASE("push: an image from a VM of such an image has the same base") {
  Fixture f;
  f.make_changed();
  f.make(TarBytes().directory("./").file("./other").done(), f.made);
  CHECK(f.push().layers == 3);
}

TEST_CASE("push: the config keeps what the base says, with one more step") {
  Fixture f;
  f.make_changed();
  f.push();
  auto config = Json::parse(f.keeper.kept.at("b.test/box/" + f.manifest().config.digest.text()));
  CHECK(config["config"] == Json{{"Env", {"A=1"}}, {"Labels", {{"who", "me"}}}});
  REQUIRE(config["history"].size() == 4);
  CHECK(config["history"][0]["created_by"] == "one");
  CHECK(config["history"][3]["created_by"] == "banger image vm:web");
  CHECK(config["rootfs"]["diff_ids"].size() == 3);
  CHECK(config["rootfs"]["diff_ids"][0] == Digest::of(f.base[0]).text());
}

TEST_CASE("push: a history that does not fit the base's layers is replaced") {
  image::Image image{.id = "x", .name = "x", .source = "vm:web", .kernel = "k"};
  std::vector digests{Digest::of("1"), Digest::of("2"), Digest::of("3")};
  for (auto base :
       {"", "{", "[]", R"({"history": 3})", R"({"history": [3, 4]})", R"({"history": [{}]})", R"({"config": 3})"}) {
    INFO(base);
    auto config = Json::parse(write_config(image, digests, base));
    CHECK(config["history"].size() == 3);
    CHECK(config["config"] == Json::object());
  }
}

// OCI layouts in a tar, from their bytes to an image in a store on disk.
#include "image/oci/layout.h"

#include <fmt/format.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "base/json.h"
#include "catch.h"
#include "host/files.h"
#include "image/kernel/samples.h"
#include "image/oci/documents.h"
#include "image/oci/fake_registry.h"
#include "image/oci/layout_import.h"
#include "image/oci/puller.h"
#include "support/fs_fixture.h"
#include "support/image_file.h"

using namespace banger;
using namespace image::oci;
using Catch::Matchers::Contains;

namespace {

void no_progress(std::string_view, std::string_view, int) {}

Json descriptor(std::string_view type, const std::string& content) {
  return {{"mediaType", type}, {"digest", Digest::of(content).text()}, {"size", content.size()}};
}

samples::Entry blob(const std::string& content) { return {"blobs/sha256/" + Digest::of(content).hex(), content}; }

/// A layout of one image. Tests change its parts, and then take its tar.
struct Sample {
  std::string lower = samples::tar({{"etc/hostname", "lower"}, {"etc/gone", "x"}}, samples::Pack::none);
  std::string upper = samples::tar({{"etc/hostname", "upper"}, {"etc/.wh.gone", ""}}, samples::Pack::none);
  std::string layer_type = "application/vnd.oci.image.layer.v1.tar";
  std::string config, manifest, index;
  std::vector<samples::Entry> entries;

  Sample() { describe(); }

  void describe() {
    config = dump_json({{"os", "linux"},
                        {"architecture", "amd64"},
                        {"config", {{"Cmd", {"serve"}}}},
                        {"rootfs", {{"diff_ids", {Digest::of(lower).text(), Digest::of(upper).text()}}}}});
    manifest = dump_json({{"schemaVersion", 2},
                          {"mediaType", kOciManifest},
                          {"config", descriptor("application/vnd.oci.image.config.v1+json", config)},
                          {"layers", Json::array({descriptor(layer_type, lower), descriptor(layer_type, upper)})}});
    set_index(Json::array({descriptor(kOciManifest, manifest)}));
    entries = {{"oci-layout", R"({"imageLayoutVersion":"1.0.0"})"},
               {"index.json", index},
               {"blobs", "", AE_IFDIR},
               {"blobs/sha256/", "", AE_IFDIR},
               blob(config),
               blob(manifest),
               blob(lower),
               blob(upper)};
  }
  void set_index(const Json& manifests) {
    index = dump_json({{"schemaVersion", 2}, {"manifests", manifests}});
    if (entries.size() > 1) entries[1].content = index;
  }
  std::string tar() const { return samples::tar(entries, samples::Pack::none); }
};

struct Fixture {
  samples::TempDir dir;
  Sample sample;
  host::Runtime runtime;
  host::Cancel cancel{runtime};
  test::FakeRegistry server;
  image::ImageStore store{runtime, dir / "images", dir / "cache", "/usr/bin:/bin"};
  Puller puller{
      runtime,       store,
      server,        {.env = [](const std::string&) { return std::nullopt; }, .home = dir / "home", .environment = {}},
      dir / "cache", {}};

  LayoutParts parts{.runtime = runtime, .images = store, .cache = puller.cache(), .max_unpacked_bytes = 1'000'000};

  Result<Layout> read(const std::string& bytes, std::uint64_t most = 1'000'000) {
    auto file = test::as_fd(bytes);
    return read_layout(file.get(), dir.path(), most);
  }
  std::string error(std::uint64_t most = 1'000'000) {
    auto layout = read(sample.tar(), most);
    return layout ? "" : layout.error().sentence();
  }
  Result<image::Image> add(const std::string& name = "built") {
    samples::write(dir / "layout.tar", sample.tar());
    image::Image image{.name = name, .source = "build", .kernel = "k"};
    return test::run(runtime, add_layout(parts, image, dir / "layout.tar", no_progress, cancel));
  }
  /// Serves the sample's lower layer as an image of its own, compressed, and pulls that image.
  image::Image pull_base() {
    auto packed = samples::gzip(sample.lower);
    auto config = dump_json(
        {{"os", "linux"}, {"architecture", "amd64"}, {"rootfs", {{"diff_ids", {Digest::of(sample.lower).text()}}}}});
    auto manifest =
        dump_json({{"schemaVersion", 2},
                   {"mediaType", "application/vnd.docker.distribution.manifest.v2+json"},
                   {"config", descriptor("application/vnd.docker.container.image.v1+json", config)},
                   {"layers", Json::array({descriptor("application/vnd.docker.image.rootfs.diff.tar.gzip", packed)})}});
    std::string url = "https://a.test/v2/base/";
    for (const auto& content : {config, packed})
      server.put("GET " + url + "blobs/" + Digest::of(content).text(), 200, content);
    server.put("GET " + url + "manifests/" + Digest::of(manifest).text(), 200, manifest);
    server.put("HEAD " + url + "manifests/latest", 200, "", {{"Docker-Content-Digest", Digest::of(manifest).text()}});
    auto pulled = test::run(runtime, puller.pull("a.test/base", Cached::use, no_progress, cancel));
    if (!pulled) FAIL(pulled.error().sentence());
    return pulled->image;
  }
  std::string file_of(const image::Image& image, const std::string& name) {
    return test::read_file_in_image(image.rootfs, name, 100).value_or("");
  }
};

}  // namespace

TEST_CASE("layout: an image is read with its documents and layers") {
  Fixture f;
  auto layout = f.read(f.sample.tar());
  if (!layout) FAIL(layout.error().sentence());
  CHECK(layout->manifest_text == f.sample.manifest);
  CHECK(layout->config_text == f.sample.config);
  CHECK(layout->config.run.cmd == std::vector<std::string>{"serve"});
  const auto& upper = layout->blobs.at(Digest::of(f.sample.upper));
  CHECK(upper.size_bytes == f.sample.upper.size());
  CHECK(*host::read_all(upper.fd.get(), "", 100'000) == f.sample.upper);
}

TEST_CASE("layout: a name may begin with a dot, as tar writes it") {
  Fixture f;
  for (auto& entry : f.sample.entries) entry.path = "./" + entry.path;
  f.sample.entries.insert(f.sample.entries.begin(), {"./", "", AE_IFDIR});
  CHECK(f.error() == "");
}

TEST_CASE("layout: of several platforms, this one is taken") {
  Fixture f;
  auto other = descriptor(kOciManifest, "other"), mine = descriptor(kOciManifest, f.sample.manifest);
  other["platform"] = {{"os", "linux"}, {"architecture", "arm64"}};
  mine["platform"] = {{"os", "linux"}, {"architecture", "amd64"}};
  f.sample.set_index(Json::array({other, mine}));
  CHECK(f.error() == "");
  f.sample.set_index(Json::array({other, other}));
  CHECK_THAT(f.error(), Contains("not built for linux/amd64"));
}

TEST_CASE("layout: what is no layout is refused, and leaves no file") {
  Fixture f;
  auto refuses = [&](samples::Entry entry, std::string_view why) {
    f.sample.describe();
    f.sample.entries.push_back(std::move(entry));
    CHECK_THAT(f.error(), Contains(std::string(why)));
  };
  refuses({"etc/passwd", "x"}, "'etc/passwd' is none of its files");
  refuses({"blobs/sha256/../../x", "x"}, "digest");
  refuses({"blobs/sha256/" + std::string(64, 'g'), "x"}, "digest");
  refuses({"/index.json", "x"}, "none of its files");
  refuses({"index.json", "{}"}, "two index.json");
  refuses({"blobs/sha256/" + Digest::of("x").hex(), "", AE_IFLNK, "/etc/passwd"}, "none of its files");
  refuses({"blobs/sha256/" + Digest::of("x").hex(), "y"}, "another digest");
  CHECK(std::filesystem::is_empty(f.dir.path()));
}

TEST_CASE("layout: parts that are missing or do not fit are errors") {
  Fixture f;
  auto without = [&](std::size_t place) {
    f.sample.describe();
    f.sample.entries.erase(f.sample.entries.begin() + static_cast<std::ptrdiff_t>(place));
    return f.error();
  };
  CHECK_THAT(without(1), Contains("no index.json"));
  CHECK_THAT(without(4), Contains("is missing"));
  CHECK_THAT(without(5), Contains("is missing"));
  CHECK(without(6) == "");  // another image may have the layer
  f.sample.describe();
  auto json = Json::parse(f.sample.manifest);
  json["layers"][0]["size"] = 1;
  auto text = dump_json(json);
  f.sample.entries.push_back(blob(text));
  f.sample.set_index(Json::array({descriptor(kOciManifest, text)}));
  CHECK_THAT(f.error(), Contains("another size"));
  f.sample.set_index(Json::array());
  CHECK(f.error() != "");
  f.sample.entries[1].content = f.sample.manifest;
  CHECK_THAT(f.error(), Contains("is no index"));
}

TEST_CASE("layout: limits end an endless stream") {
  Fixture f;
  CHECK_THAT(f.error(5000), Contains("larger than the limit"));
  auto bytes = f.sample.tar();
  CHECK_FALSE(f.read(bytes.substr(0, bytes.size() / 2)));
  image::StopFlag stop = true;
  auto file = test::as_fd(bytes);
  CHECK(read_layout(file.get(), f.dir.path(), 1'000'000, &stop).error().code == ErrorCode::cancelled);
}

TEST_CASE("layout: becomes an image whose layers are in the cache") {
  Fixture f;
  auto image = f.add();
  if (!image) FAIL(image.error().sentence());
  CHECK(image->name == "built");
  CHECK(image->source == "build");
  CHECK(image->kernel == "k");
  CHECK(image->run_config.cmd == std::vector<std::string>{"serve"});
  CHECK(image->pulled.digest == Digest::of(f.sample.manifest).text());
  CHECK(f.file_of(*image, "/etc/hostname") == "upper");
  CHECK(f.file_of(*image, "/etc/gone") == "");
  CHECK(f.puller.cache().open({.digest = Digest::of(f.sample.upper), .size = f.sample.upper.size()})->has_value());
  CHECK(f.puller.unused()->empty());
}

TEST_CASE("layout: layers that are pruned before the image is complete get into the cache again") {
  Fixture f;
  samples::write(f.dir / "layout.tar", f.sample.tar());
  auto prune = [&](std::string_view stage, std::string_view, int) {
    if (stage == "finish")
      std::filesystem::remove_all(f.puller.cache().directory() + "/" + Digest::of(f.sample.upper).hex());
  };
  auto added = test::run(f.runtime, add_layout(f.parts, {.name = "built"}, f.dir / "layout.tar", prune, f.cancel));
  REQUIRE(added);
  auto blob = f.puller.cache().open({.digest = Digest::of(f.sample.upper), .size = f.sample.upper.size()});
  REQUIRE((blob && *blob));
  CHECK(*host::read_all((*blob)->get(), "", 100'000) == f.sample.upper);
}

TEST_CASE("layout: a layer that it lacks is the one of an image that is here") {
  Fixture f;
  auto base = f.pull_base();
  f.sample.entries.erase(f.sample.entries.begin() + 6);
  auto image = f.add();
  if (!image) FAIL(image.error().sentence());
  REQUIRE(image->pulled.layers.size() == 2);
  CHECK(image->pulled.layers[0] == base.pulled.layers[0]);
  CHECK(f.file_of(*image, "/etc/hostname") == "upper");
  auto manifest = *host::read_file(image->rootfs.substr(0, image->rootfs.rfind('/')) + "/oci-manifest.json", 100'000);
  CHECK(image->pulled.manifest == Digest::of(manifest).text());
  auto layers = manifest_layers(manifest);
  REQUIRE(layers);
  CHECK((*layers)[0].media_type == "application/vnd.oci.image.layer.v1.tar+gzip");
  CHECK((*layers)[1].media_type == f.sample.layer_type);
}

TEST_CASE("layout: a layer that is nowhere is an error with a way out") {
  Fixture f;
  f.sample.entries.erase(f.sample.entries.begin() + 6);
  auto image = f.add();
  REQUIRE_FALSE(image);
  CHECK_THAT(image.error().sentence(), Contains("neither in the archive nor here") && Contains("--force"));
}

TEST_CASE("layout: content that does not match its diff id is refused") {
  Fixture f;
  auto other = samples::tar({{"etc/hostname", "other"}}, samples::Pack::none);
  auto config = Json::parse(f.sample.config);
  config["rootfs"]["diff_ids"][1] = Digest::of(other).text();
  auto config_text = dump_json(config);
  auto manifest = Json::parse(f.sample.manifest);
  manifest["config"] = descriptor("application/vnd.oci.image.config.v1+json", config_text);
  auto text = dump_json(manifest);
  f.sample.entries.push_back(blob(config_text));
  f.sample.entries.push_back(blob(text));
  f.sample.set_index(Json::array({descriptor(kOciManifest, text)}));
  auto image = f.add();
  REQUIRE_FALSE(image);
  CHECK(image.error().code == ErrorCode::corrupt);
  CHECK(f.store.list()->empty());
}

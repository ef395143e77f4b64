#include "image/catalog/bundle_manifest.h"

#include <nlohmann/json.hpp>

#include "base/json.h"
#include "catch.h"

using namespace banger;
using namespace banger::image::catalog;

namespace {

const std::string kDigest(64, 'a');

BundleManifest a_kernel() {
  return {.kind = BundleKind::kernel,
          .name = "mine",
          .source = "import",
          .release = "6.1.0",
          .members = {{"vmlinux", 5, kDigest}, {"modules/b.ko", 6, kDigest}, {"modules/a.ko", 7, kDigest}}};
}

BundleManifest an_image() {
  return {.kind = BundleKind::image,
          .name = "docker.io/library/python:3",
          .source = "recipe:x",
          .kernel = "debian-cloud",
          .run_config = {.env = {"A=1"}, .cmd = {"serve"}},
          .members = {{"rootfs.ext4", 4096, kDigest}}};
}

/// The error for the manifest of a kernel after `change`.
template <class Change>
Error refused(Change change) {
  Json json = Json::parse(to_text(a_kernel()));
  change(json);
  auto parsed = parse_bundle_manifest(json.dump());
  REQUIRE(!parsed.has_value());
  return parsed.error();
}

}  // namespace

TEST_CASE("bundle manifest: text and back is the same manifest") {
  for (const auto& manifest : {a_kernel(), an_image()}) {
    auto back = parse_bundle_manifest(to_text(manifest));
    INFO((back ? "" : back.error().sentence()));
    REQUIRE(back.has_value());
    CHECK(*back == manifest);
  }
}

TEST_CASE("bundle manifest: the id follows from the content, and the file's name from the id") {
  auto other = a_kernel();
  other.members[0].sha256[0] = 'b';
  CHECK(bundle_id(to_text(a_kernel())) != bundle_id(to_text(other)));
  CHECK(bundle_file_name(a_kernel()) == "mine-" + bundle_id(to_text(a_kernel())).substr(0, 12) + ".tar.zst");
  CHECK(bundle_file_name(an_image()).starts_with("docker.io-library-python-3-"));
}

TEST_CASE("bundle manifest: what a bundle cannot be is refused") {
  auto member = [](const char* key, Json value) { return [=](Json& json) { json["members"][1][key] = value; }; };
  for (const char* name : {"../x", "/etc/passwd", "modules/../x.ko", "modules/a/b.ko", "modules/.ko", "modules/x",
                           "rootfs.ext4", "manifest.json", "", "vmlinux"})
    CHECK(refused(member("name", name)).code == ErrorCode::invalid);
  CHECK(refused(member("size", -1)).code == ErrorCode::invalid);
  CHECK(refused(member("size", INT64_MAX)).code == ErrorCode::invalid);
  CHECK(refused(member("sha256", "abc")).code == ErrorCode::invalid);
  CHECK(refused(member("sha256", std::string(64, 'A'))).code == ErrorCode::invalid);
  CHECK(refused(member("more", 1)).code == ErrorCode::invalid);
  CHECK(refused([](Json& json) { json["members"].erase(0); }).message.find("'vmlinux'") != std::string::npos);
  CHECK(refused([](Json& json) { json["members"] = 1; }).code == ErrorCode::invalid);
  CHECK(refused([](Json& json) { json["version"] = 2; }).code == ErrorCode::unsupported);
  CHECK(refused([](Json& json) { json["kind"] = "vm"; }).code == ErrorCode::invalid);
  CHECK(refused([](Json& json) { json["kind"] = "image"; }).code == ErrorCode::invalid);
  CHECK(refused([](Json& json) { json["name"] = "../x"; }).code == ErrorCode::invalid);
  CHECK(refused([](Json& json) { json["unknown"] = 1; }).code == ErrorCode::invalid);
  CHECK(refused([](Json& json) {
          for (auto& one : json["members"]) one["size"] = std::int64_t{64} << 30;
        }).code == ErrorCode::exhausted);
  CHECK(refused([](Json& json) {
          for (int i = 0; i < 1001; ++i) json["members"].push_back(json["members"][1]);
        }).code == ErrorCode::exhausted);
  CHECK(!parse_bundle_manifest("{").has_value());
}

#include "image/oci/manifest.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "base/json.h"
#include "base/text.h"
#include "catch.h"
#include "guestcfg/bounds.h"
#include "image/oci/bounds.h"

using namespace banger;
using namespace image::oci;

namespace {

constexpr std::string_view kIndexType = "application/vnd.oci.image.index.v1+json";
constexpr std::string_view kManifestType = "application/vnd.oci.image.manifest.v1+json";
constexpr std::string_view kGzip = "application/vnd.oci.image.layer.v1.tar+gzip";

std::string digest(char digit) { return "sha256:" + std::string(64, digit); }

Json blob(std::string_view type, char digit, std::int64_t size = 10) {
  return {{"mediaType", type}, {"digest", digest(digit)}, {"size", size}};
}

Json manifest(Json layers = Json::array({blob(kGzip, 'b')})) {
  return {{"schemaVersion", 2},
          {"mediaType", kManifestType},
          {"config", blob("application/vnd.oci.image.config.v1+json", 'c')},
          {"layers", std::move(layers)}};
}

Json platform(std::string_view os, std::string_view architecture, char digit, std::string_view variant = "") {
  auto entry = blob(kManifestType, digit);
  entry["platform"] = {{"os", os}, {"architecture", architecture}};
  if (!variant.empty()) entry["platform"]["variant"] = variant;
  return entry;
}

std::string error_of(const Json& json, std::string_view type = "") {
  auto document = parse_document(dump_json(json), type);
  return document ? "" : document.error().sentence();
}

std::string chosen(Json entries) {
  auto document = parse_document(dump_json({{"schemaVersion", 2}, {"manifests", std::move(entries)}}), kIndexType);
  if (!document) return document.error().sentence();
  auto found = choose_platform(std::get<Index>(*document));
  return found ? found->digest.text() : found.error().sentence();
}

}  // namespace

TEST_CASE("manifest: OCI's and Docker's say which blobs an image has") {
  auto docker =
      manifest(Json::array({blob("application/vnd.docker.image.rootfs.diff.tar.gzip", '1', 7), blob(kGzip, '2', 8)}));
  docker["mediaType"] = "application/vnd.docker.distribution.manifest.v2+json";
  docker["config"]["mediaType"] = "application/vnd.docker.container.image.v1+json";
  for (const auto& json : {manifest(Json::array({blob(kGzip, '1', 7), blob(kGzip, '2', 8)})), docker}) {
    auto document = parse_document(dump_json(json), "");
    REQUIRE(document);
    const auto& read = std::get<Manifest>(*document);
    CHECK(read.config.digest.text() == digest('c'));
    REQUIRE(read.layers.size() == 2);
    CHECK(read.layers[0].digest.text() == digest('1'));
    CHECK(read.layers[1].size == 8);
  }
}

TEST_CASE("manifest: a document without a type has the response's, or that of its fields") {
  auto json = manifest();
  json.erase("mediaType");
  for (std::string_view type : {kManifestType, std::string_view("application/json")}) {
    auto document = parse_document(dump_json(json), type);
    REQUIRE(document);
    CHECK(std::holds_alternative<Manifest>(*document));
  }
}

TEST_CASE("manifest: everything that is no bootable image is refused by its name") {
  auto layer_error = [](std::string_view type) { return error_of(manifest(Json::array({blob(type, 'b')}))); };
  using Catch::Matchers::Contains;
  CHECK_THAT(error_of({{"schemaVersion", 1}, {"fsLayers", Json::array()}}), Contains("schema 1"));
  CHECK_THAT(error_of({{"schemaVersion", 3}}), Contains("schema 3"));
  CHECK_THAT(layer_error("application/vnd.docker.image.rootfs.foreign.diff.tar.gzip"), Contains("foreign"));
  CHECK_THAT(layer_error("application/vnd.oci.image.layer.nondistributable.v1.tar+gzip"), Contains("foreign"));
  CHECK_THAT(layer_error("application/vnd.oci.image.layer.v1.tar+gzip+encrypted"), Contains("encrypted"));
  CHECK_THAT(layer_error("text/plain"), Contains("layers of the type 'text/plain'"));
  auto chart = manifest();
  chart["config"]["mediaType"] = "application/vnd.cncf.helm.config.v1+json";
  CHECK_THAT(error_of(chart), Contains("helm"));
  auto strange = manifest();
  strange["mediaType"] = "application/x-strange";
  CHECK_THAT(error_of(strange), Contains("x-strange"));
  auto both = manifest();
  both["manifests"] = Json::array();
  CHECK_THAT(error_of(both), Contains("an index and a manifest at once"));
  CHECK_THAT(error_of(manifest(Json::array())), Contains("no layers"));
}

TEST_CASE("manifest: bombs stop at the limits") {
  using Catch::Matchers::Contains;
  CHECK_THAT(error_of(manifest(Json::array({blob(kGzip, 'b', -1)}))), Contains("must not be negative"));
  CHECK_THAT(error_of(manifest(Json::array({blob(kGzip, 'b', INT64_MAX)}))), Contains("layer 1 has"));
  CHECK_THAT(error_of(manifest(Json(limits::kImageLayers + 1, blob(kGzip, 'b')))), Contains("at most 256"));
  CHECK_THAT(error_of(manifest(Json(5, blob(kGzip, 'b', 60 * limits::kGiB)))), Contains("together"));
  auto config = manifest();
  config["config"]["size"] = limits::kImageConfigBytes + 1;
  CHECK_THAT(error_of(config), Contains("its config has"));
  Json index{{"schemaVersion", 2}, {"manifests", Json(limits::kIndexEntries + 1, blob(kManifestType, 'a'))}};
  CHECK_THAT(error_of(index, kIndexType), Contains("at most 512"));
  CHECK_FALSE(parse_document(std::string(limits::kOciManifestBytes + 1, ' '), ""));
  CHECK_FALSE(parse_document(std::string(1000, '['), ""));
}

TEST_CASE("manifest: an index gives the plainest linux/amd64") {
  auto wanted = platform("linux", "amd64", 'a');
  CHECK(chosen(Json::array({platform("linux", "arm64", '1', "v8"), wanted})) == digest('a'));
  CHECK(chosen(Json::array({platform("linux", "amd64", '3', "v3"), platform("linux", "amd64", 'a')})) == digest('a'));
  CHECK(chosen(Json::array({platform("linux", "amd64", '3', "v3")})) == digest('3'));
  CHECK(chosen(Json::array({platform("windows", "amd64", '1'), platform("unknown", "unknown", '2'), wanted})) ==
        digest('a'));
  CHECK(chosen(Json::array({blob(kManifestType, '7')})) == digest('7'));
}

TEST_CASE("manifest: without linux/amd64, the error lists what there is") {
  CHECK(chosen(Json::array({platform("linux", "arm64", '1', "v8"), platform("unknown", "unknown", '2'),
                            platform("linux", "arm", '3', "v7"), platform("linux", "arm64", '4', "v8")})) ==
        "the image is not built for linux/amd64 (hint: there is linux/arm/v7, linux/arm64/v8)");
  CHECK(chosen(Json::array()) == "the image is not built for linux/amd64 (hint: the index names no platforms)");
}

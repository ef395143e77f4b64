#include "image/catalog/catalog.h"

#include <fmt/format.h>

#include "catch.h"
#include "image/catalog/bounds.h"
#include "image/recipe/recipes.h"

using namespace banger;
using namespace banger::image;
using namespace banger::image::catalog;

namespace {

const std::string kHex(64, 'a');
const std::string kPackages = R"({"from": "packages"})";
const std::string kBundle =
    fmt::format(R"({{"from": "bundle", "location": "a.tar.zst", "size": 7, "sha256": "{}"}})", kHex);

std::string entry(std::string_view kind, std::string_view name, std::string_view sources) {
  return fmt::format(R"({{"kind": "{}", "name": "{}", "description": "one", "sources": [{}]}})", kind, name, sources);
}
std::string catalog_of(std::string_view entries) {
  return fmt::format(R"({{"version": 1, "entries": [{}]}})", entries);
}
std::string error_of(std::string_view text) {
  auto parsed = parse_catalog(text);
  return parsed ? "accepted" : parsed.error().message;
}
std::string source_error(std::string_view kind, std::string_view sources) {
  return error_of(catalog_of(entry(kind, "a", sources)));
}

}  // namespace

TEST_CASE("catalog: the compiled-in one is sound, and its packages exist") {
  const auto* file = find_embedded(kRecipeFiles, "images/catalog.json");
  REQUIRE(file);
  auto catalog = parse_catalog(file->text);
  REQUIRE(catalog);
  CHECK(check_fixed(*catalog));
  CHECK(find_entry(*catalog, BundleKind::kernel, "debian-cloud"));
  for (const auto& recipe : all_recipes()) {
    const auto* found = find_entry(*catalog, BundleKind::image, recipe.name);
    REQUIRE(found);
    CHECK(found->sources.back().kind == SourceKind::packages);
  }
}

TEST_CASE("catalog: keeps the order of entries and sources") {
  auto oci = R"({"from": "oci", "reference": "host:5000/app:1"})";
  auto text = catalog_of(entry("image", "b", kBundle + "," + kPackages + "," + oci) + "," +
                         entry("image", "a", kPackages) + "," + entry("kernel", "a", kPackages));
  auto catalog = parse_catalog(text);
  REQUIRE(catalog);
  CHECK(names_of(*catalog, BundleKind::image) == std::vector<std::string>{"b", "a"});
  CHECK(names_of(*catalog, BundleKind::kernel) == std::vector<std::string>{"a"});
  const auto& sources = catalog->entries[0].sources;
  REQUIRE(sources.size() == 3);
  CHECK(sources[0] == Source{.kind = SourceKind::bundle, .location = "a.tar.zst", .size_bytes = 7, .sha256 = kHex});
  CHECK(to_string(sources[0]) == "bundle a.tar.zst");
  CHECK(to_string(sources[1]) == "packages");
  CHECK(to_string(sources[2]) == "oci host:5000/app:1");
  CHECK(find_entry(*catalog, BundleKind::kernel, "b") == nullptr);
}

TEST_CASE("catalog: refuses names and sources that occur twice") {
  auto twice = entry("image", "a", kPackages);
  CHECK(error_of(catalog_of(twice + "," + twice)) == "the image 'a' occurs twice");
  CHECK(source_error("image", kBundle + "," + kBundle) == "entry 1: image 'a': source 2 occurs twice");
  CHECK(error_of(R"({"version":1,"entries":[],"entries":[]})") == "field 'entries' is there twice");
}

TEST_CASE("catalog: names unknown kinds") {
  CHECK(source_error("disk", kPackages) == "entry 1: 'disk' is no kind of entry");
  CHECK(source_error("image", R"({"from": "torrent"})") ==
        "entry 1: image 'a': source 1: 'torrent' is no kind of source");
  CHECK(source_error("kernel", R"({"from": "oci", "reference": "a"})") ==
        "entry 1: kernel 'a': source 1: a kernel has no source in a registry");
  auto newer = parse_catalog(R"({"version": 2, "entries": []})");
  REQUIRE(!newer);
  CHECK(newer.error().code == ErrorCode::unsupported);
}

TEST_CASE("catalog: refuses hostile names, texts and fields") {
  CHECK(error_of("") != "accepted");
  CHECK(error_of("[]") != "accepted");
  CHECK(error_of(R"({"version": 1, "entries": {}})") != "accepted");
  CHECK(error_of(R"({"version": 1, "entries": [], "more": 1})") != "accepted");
  CHECK(error_of(catalog_of(entry("image", "../a", kPackages))) != "accepted");
  CHECK(error_of(catalog_of(entry("image", "host/a", kPackages))) != "accepted");
  CHECK(error_of(catalog_of(entry("image", "a\\n", kPackages))) != "accepted");
  CHECK(source_error("image", "") != "accepted");
  CHECK(source_error("image", R"({"from": "packages", "name": "b"})") != "accepted");
  CHECK(source_error("image", R"({"from": "oci", "reference": "UPPER CASE"})") != "accepted");
  CHECK(source_error("image", R"({"from": "oci", "reference": "a\u001b[2J"})") != "accepted");
}

TEST_CASE("catalog: a bundle needs a location, a size and a SHA-256") {
  auto bundle = [](std::string_view rest) {
    return source_error("image", fmt::format(R"({{"from": "bundle"{}}})", rest));
  };
  auto sum = fmt::format(R"(, "sha256": "{}")", kHex);
  CHECK(bundle(R"(, "location": "a", "size": 1)" + sum) == "accepted");
  CHECK(bundle(R"(, "location": "a", "size": 1)") != "accepted");
  CHECK(bundle(R"(, "location": "a", "size": 1, "sha256": "abc")") != "accepted");
  CHECK(bundle(R"(, "location": "a", "size": 0)" + sum) != "accepted");
  CHECK(bundle(R"(, "location": "a", "size": -1)" + sum) != "accepted");
  CHECK(bundle(R"(, "location": "a", "size": 999999999999999)" + sum) != "accepted");
  CHECK(bundle(R"(, "location": "", "size": 1)" + sum) != "accepted");
  CHECK(bundle(R"(, "size": 1)" + sum) != "accepted");
}

TEST_CASE("catalog: a signed one needs digests of what registries have") {
  auto with = [](std::string_view reference) {
    auto catalog = parse_catalog(
        catalog_of(entry("image", "a", fmt::format(R"({{"from": "oci", "reference": "{}"}})", reference))));
    REQUIRE(catalog);
    return check_fixed(*catalog);
  };
  CHECK(with("host/app@sha256:" + kHex));
  CHECK(with("host/app:1@sha256:" + kHex));
  auto loose = with("host/app:1");
  REQUIRE(!loose);
  CHECK(loose.error().code == ErrorCode::denied);
  CHECK(loose.error().message.find("image 'a' refers to host/app:1 without a digest") == 0);
}

TEST_CASE("catalog: limits the number of entries and sources") {
  std::string many;
  for (std::size_t i = 0; i <= limits::kCatalogEntries; ++i)
    many += (i ? "," : "") + entry("image", fmt::format("a{}", i), kPackages);
  CHECK(error_of(catalog_of(many)) != "accepted");
  CHECK(error_of(std::string(limits::kCatalogBytes + 1, ' ')) != "accepted");
}

#include "image/catalog/location.h"

#include "catch.h"

using namespace banger;
using namespace banger::image::catalog;

namespace {
Location at(std::string_view text) { return parse_location(text, "/home/me").value(); }
std::string resolved(const std::optional<Location>& base, std::string_view text) {
  auto location = resolve(base, text);
  return location ? to_string(*location) : location.error().message;
}
}  // namespace

TEST_CASE("location: takes URLs, whole paths and paths below the home") {
  CHECK(to_string(at("https://host/catalog.json")) == "https://host/catalog.json");
  CHECK(at("/srv/catalog.json") == Location(File{"/srv/catalog.json"}));
  CHECK(at("~/catalog.json") == Location(File{"/home/me/catalog.json"}));
  CHECK(parse_location("catalog.json", "/home/me").error().code == ErrorCode::invalid);
  CHECK(parse_location("ftp://host/catalog.json", "/home/me").error().code == ErrorCode::unsupported);
}

TEST_CASE("location: a catalog's own places are relative to the catalog") {
  CHECK(resolved(at("/srv/list/catalog.json"), "a.tar.zst") == "/srv/list/a.tar.zst");
  CHECK(resolved(at("/srv/list/catalog.json"), "/other/a") == "/other/a");
  CHECK(resolved(at("/srv/list/catalog.json"), "https://host/a") == "https://host/a");
  CHECK(resolved(at("https://host/list/catalog.json"), "a.tar.zst") == "https://host/list/a.tar.zst");
  CHECK(resolved(std::nullopt, "https://host/a") == "https://host/a");
  CHECK(resolved(std::nullopt, "a") == "'a' is relative to nothing");
}

TEST_CASE("location: a catalog behind a URL names no files of this host") {
  CHECK(resolved(at("https://host/list/catalog.json"), "/etc/shadow") == "https://host/etc/shadow");
  CHECK(resolved(at("https://host/list/catalog.json"), "../../../etc/shadow").find("https://host/") == 0);
  CHECK(resolve(at("https://host/list/catalog.json"), "file:///etc/shadow").error().code == ErrorCode::unsupported);
}

TEST_CASE("location: the signature is beside the catalog") {
  CHECK(to_string(signature_of(at("/srv/catalog.json"))) == "/srv/catalog.json.sig");
  CHECK(to_string(signature_of(at("https://host/c.json"))) == "https://host/c.json.sig");
  CHECK(to_string(signature_of(at("https://host/c.json?v=1"))) == "https://host/c.json.sig?v=1");
}

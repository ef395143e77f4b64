// Catalogs from files and from a server in memory. The key and its signature were made with openssl.
#include "image/catalog/reader.h"

#include "base/base64.h"
#include "catch.h"
#include "image/oci/fake_registry.h"
#include "support/run.h"
#include "support/temp_dir.h"

using namespace banger;
using namespace banger::image::catalog;
using Catch::Matchers::Contains;

namespace {

const std::string kKey = "5ebedq0n91a7AzF21IIj4CfWtRARRh5WPSaB6IOdqoA=";
const std::string kText = R"({"version":1,"entries":[]})";
const std::string kSignature =
    from_base64("H2TkNNmWu4Qi1E0jSrh52mSKXVMrvWWVEgOEWeWgkQFfFf2xxPqLDoHFl+dCr+Nz+csFrRGcaPLMJOOSX5VyBw==").value();
/// With a reference that has no digest.
const std::string kLoose = R"({"version":1,"entries":[{"kind":"image","name":"a","description":"b","sources":[)"
                           R"({"from":"oci","reference":"a.test/b"}]}]})";
const std::string kLooseSignature =
    from_base64("IbO8M4g5irnKKtc+XFg3k8TGRe0VA9mCZWy5DqAcFvWvbOhC2z9z5+WfxCiVJTHZ92dWI0UCh7soGLthVVGTBA==").value();

struct Fixture {
  test::TempDir dir;
  host::Runtime runtime;
  host::Cancel cancel{runtime};
  test::FakeRegistry server;

  Reader reader(std::string catalog, std::string key = "") {
    return {runtime, server, {.catalog = std::move(catalog), .key = std::move(key), .home = dir.path()}};
  }
  Result<Published> read(std::string catalog, std::string key = "") {
    auto from = reader(std::move(catalog), std::move(key));
    return test::run(runtime, from.read(cancel));
  }
  std::string error(std::string catalog, std::string key = "") {
    auto published = read(std::move(catalog), std::move(key));
    return published ? "" : published.error().sentence();
  }
};

}  // namespace

TEST_CASE("catalog reader: without a setting, the catalog is the compiled-in one") {
  Fixture f;
  auto published = f.read("");
  REQUIRE(published);
  CHECK(find_entry(published->catalog, BundleKind::image, "debian-bookworm"));
  CHECK_FALSE(published->place);
}

TEST_CASE("catalog reader: reads files, and names a missing or malformed one") {
  Fixture f;
  auto path = f.dir / "catalog.json";
  CHECK_THAT(f.error(path), Contains("there is no catalog at " + path));
  f.dir.put("catalog.json", kText);
  auto published = f.read("~/catalog.json");
  REQUIRE(published);
  CHECK(published->place == Location(File{path}));
  f.dir.put("catalog.json", "{");
  CHECK_THAT(f.error(path), Contains("read the catalog " + path + ": not valid JSON"));
  CHECK_THAT(f.error("catalog.json"), Contains("config key 'catalog'"));
}

TEST_CASE("catalog reader: a catalog with a key must be signed and unaltered") {
  Fixture f;
  auto path = f.dir / "catalog.json";
  f.dir.put("catalog.json", kText);
  CHECK_THAT(f.error(path, kKey), Contains("the catalog is not signed"));
  f.dir.put("catalog.json.sig", kSignature);
  CHECK(f.error(path, kKey).empty());
  f.dir.put("catalog.json", kText + " ");
  CHECK_THAT(f.error(path, kKey), Contains("it was altered"));
  CHECK(f.error(path).empty());
  CHECK_THAT(f.error(path, "no key"), Contains("catalog_key"));
}

TEST_CASE("catalog reader: a signed catalog fixes the content of all its sources") {
  Fixture f;
  f.dir.put("catalog.json", kLoose);
  f.dir.put("catalog.json.sig", kLooseSignature);
  CHECK(f.error(f.dir / "catalog.json").empty());
  CHECK_THAT(f.error(f.dir / "catalog.json", kKey), Contains("without a digest"));
}

TEST_CASE("catalog reader: fetches the catalog and its signature from a server") {
  Fixture f;
  f.server.put("GET https://a.test/c.json", 200, kText);
  CHECK(f.error("https://a.test/c.json").empty());
  CHECK_THAT(f.error("https://a.test/c.json", kKey), Contains("the catalog is not signed"));
  f.server.put("GET https://a.test/c.json.sig", 200, kSignature);
  CHECK(f.error("https://a.test/c.json", kKey).empty());
  CHECK_THAT(f.error("https://a.test/other.json"), Contains("there is no catalog at https://a.test/other.json"));
  f.server.put("GET https://a.test/c.json", 500);
  CHECK_THAT(f.error("https://a.test/c.json"), Contains("500"));
  f.server.put("GET https://a.test/c.json.sig", 500);
  f.server.put("GET https://a.test/c.json", 200, kText);
  CHECK_THAT(f.error("https://a.test/c.json", kKey), Contains("500"));
}

TEST_CASE("catalog reader: without TLS, a catalog needs a signature or is on this host") {
  Fixture f;
  for (const auto* host : {"a.test", "localhost"}) {
    f.server.put(std::string("GET http://") + host + "/c.json", 200, kText);
    f.server.put(std::string("GET http://") + host + "/c.json.sig", 200, kSignature);
  }
  CHECK_THAT(f.error("http://a.test/c.json"), Contains("its server has no TLS"));
  CHECK(f.server.requests.empty());
  CHECK(f.error("http://a.test/c.json", kKey).empty());
  CHECK(f.error("http://localhost/c.json").empty());
}

TEST_CASE("catalog reader: what is known needs no network") {
  Fixture f;
  f.server.put("GET https://a.test/c.json", 200, kText);
  auto remote = f.reader("https://a.test/c.json");
  CHECK_FALSE(test::run(f.runtime, remote.known()));
  CHECK(f.server.requests.empty());
  REQUIRE(test::run(f.runtime, remote.read(f.cancel)));
  CHECK(test::run(f.runtime, remote.known()));
  CHECK(f.server.requests.size() == 1);
  auto own = f.reader("");
  CHECK(test::run(f.runtime, own.known()));
}

#include "image/oci/blob_cache.h"

#include <sys/file.h>

#include "catch.h"
#include "host/files.h"
#include "support/temp_dir.h"

using namespace banger;
using namespace image::oci;
using Catch::Matchers::Contains;

namespace {

struct Fixture {
  test::TempDir dir;
  BlobCache cache{dir.path()};
  Descriptor blob{Digest::of("content"), 7};
  std::string name = "blobs/sha256/" + blob.digest.hex();

  void fill(std::string_view text) {
    auto partial = cache.open_partial(blob);
    REQUIRE(partial);
    REQUIRE(*partial);
    REQUIRE(host::write_all((*partial)->fd.get(), text));
    REQUIRE(cache.commit(**partial, blob.digest));
  }
};

}  // namespace

TEST_CASE("blob cache: a blob appears when it is complete") {
  Fixture f;
  CHECK_FALSE(*f.cache.open(f.blob));
  CHECK(f.cache.missing_bytes(f.blob) == 7);
  {
    auto partial = f.cache.open_partial(f.blob);
    REQUIRE(*partial);
    REQUIRE(host::write_all((*partial)->fd.get(), "con"));
    CHECK_FALSE(*f.cache.open(f.blob));
    CHECK(f.cache.missing_bytes(f.blob) == 4);
  }
  CHECK((*f.cache.open_partial(f.blob))->size_bytes == 3);
  f.cache.remove_partial(f.blob.digest);
  f.fill("content");
  CHECK(*f.cache.open(f.blob));
  CHECK(f.cache.missing_bytes(f.blob) == 0);
  CHECK(f.dir.get(f.name) == "content");
}

TEST_CASE("blob cache: a partial file has one writer") {
  Fixture f;
  auto first = f.cache.open_partial(f.blob);
  REQUIRE(*first);
  auto second = f.cache.open_partial(f.blob);
  REQUIRE(second);
  CHECK_FALSE(*second);
  CHECK(f.cache.unused({}).empty());
}

TEST_CASE("blob cache: a partial file that cannot be opened is an error, and is not held") {
  Fixture f;
  auto name = f.dir / (f.name + ".partial");
  std::filesystem::create_directories(name);
  auto opened = f.cache.open_partial(f.blob);
  REQUIRE_FALSE(opened);
  CHECK_THAT(opened.error().sentence(), Contains("Is a directory"));
  auto removed = f.cache.remove({.path = name, .size_bytes = 0, .partial = true});
  REQUIRE_FALSE(removed);
  CHECK(removed.error().code != ErrorCode::busy);
}

TEST_CASE("blob cache: another size is an error, and takes nothing from others") {
  Fixture f;
  f.fill("content");
  auto lie = f.blob;
  lie.size = 3;
  CHECK_THAT(f.cache.open(lie).error().sentence(),
             Contains("has 3 bytes, but the cached layer with this digest has 7"));
  CHECK(f.cache.open(lie).error().code == ErrorCode::corrupt);
  CHECK(f.cache.missing_bytes(lie).error().code == ErrorCode::corrupt);
  CHECK(f.dir.get(f.name) == "content");
}

TEST_CASE("blob cache: a larger partial file stays until a complete blob proves it wrong") {
  Fixture f;
  f.dir.put(f.name + ".partial", "much too long");
  CHECK(f.cache.missing_bytes(f.blob) == 7);
  {
    auto partial = f.cache.open_partial(f.blob);
    REQUIRE(*partial);
    CHECK((*partial)->size_bytes == 0);
    REQUIRE(host::write_all((*partial)->fd.get(), "cont"));
    CHECK_FALSE(*f.cache.open_partial(f.blob));
  }
  CHECK(f.dir.get(f.name + ".partial") == "much too long");
  f.fill("content");
  CHECK(f.dir.get(f.name) == "content");
  CHECK_FALSE(std::filesystem::exists(f.dir / (f.name + ".partial")));
}

TEST_CASE("blob cache: a file that is not the blob is removed by its digest") {
  Fixture f;
  f.dir.put(f.name, "CONTENT");
  image::StopFlag stop = true;
  CHECK_FALSE(f.cache.remove_damaged(f.blob.digest, &stop));
  CHECK(f.cache.remove_damaged(f.blob.digest));
  CHECK_FALSE(std::filesystem::exists(f.dir / f.name));
  f.fill("content");
  CHECK_FALSE(f.cache.remove_damaged(f.blob.digest));
}

TEST_CASE("blob cache: what no image needs is found and removed") {
  Fixture f;
  f.fill("content");
  f.dir.put("blobs/sha256/" + Digest::of("other").hex() + ".partial", "oth");
  CHECK(f.cache.unused({f.blob.digest.hex()}).size() == 1);
  // A pull that runs has not come to this layer yet.
  CHECK(f.cache.unused({f.blob.digest.hex(), Digest::of("other").hex()}).empty());
  auto unused = f.cache.unused({});
  REQUIRE(unused.size() == 2);
  for (const auto& blob : unused) CHECK(f.cache.remove(blob));
  CHECK(f.cache.unused({}).empty());
}

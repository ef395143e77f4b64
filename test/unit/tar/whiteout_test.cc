#include "tar/whiteout.h"

#include "catch.h"

using namespace banger;
using Kind = tar::Whiteout::Kind;

namespace {

tar::Whiteout whiteout(std::string_view path) {
  auto found = tar::whiteout_of(path);
  REQUIRE(found.has_value());
  REQUIRE(found->has_value());
  return **found;
}

}  // namespace

TEST_CASE("whiteout: a prefix removes the name behind it") {
  auto in_root = whiteout(".wh.a");
  CHECK(in_root.kind == Kind::name);
  CHECK(in_root.directory == "");
  CHECK(in_root.name == "a");
  auto below = whiteout("./etc//.wh.passwd/");
  CHECK(below.directory == "./etc//");
  CHECK(below.name == "passwd");
  CHECK(whiteout("/a/.wh...b").name == "..b");
}

TEST_CASE("whiteout: an opaque mark stands for its directory") {
  CHECK(whiteout("a/b/.wh..wh..opq").kind == Kind::opaque);
  CHECK(whiteout("a/b/.wh..wh..opq").directory == "a/b/");
  CHECK(whiteout(".wh..wh..opq").directory == "");
}

TEST_CASE("whiteout: leftovers of AUFS stand for nothing") {
  for (const char* path : {".wh..wh.plnk", ".wh..wh.aufs", ".wh..wh.orph/", ".wh..wh.plnk/1.2", "a/.wh..wh.x"})
    CHECK(whiteout(path).kind == Kind::metadata);
}

TEST_CASE("whiteout: other names are ordinary members") {
  for (const char* path : {"a", "./", "a.wh.b", "wh.a", ".whx", "a/.wh.b/c"}) {
    auto found = tar::whiteout_of(path);
    REQUIRE(found.has_value());
    CHECK(!found->has_value());
  }
}

TEST_CASE("whiteout: impossible names are refused") {
  for (const char* path : {".wh.", ".wh..", ".wh...", "a/.wh..", "../.wh.a", "a/../.wh.b", ""}) {
    auto found = tar::whiteout_of(path);
    REQUIRE(!found.has_value());
    CHECK(found.error().code == ErrorCode::invalid);
  }
}

#include "workspace/manifest.h"

#include "catch.h"

using namespace banger;
using namespace banger::workspace;

TEST_CASE("manifest: keeps names of any bytes") {
  std::string hash(64, 'a');
  Manifest manifest{.base = std::string(40, 'b'),
                    .state = hash,
                    .head = "ref: refs/heads/main\n",
                    .refs = {{"refs/heads/main", std::string(40, 'b')}},
                    .files = {{"a b\n\xff", {.executable = true, .hash = hash}}, {"l", {.link = true, .hash = hash}}},
                    .read_only = true};
  auto read = Manifest::parse(manifest.text());
  REQUIRE(read.has_value());
  CHECK(read->base == manifest.base);
  CHECK(read->head == manifest.head);
  CHECK(read->refs == manifest.refs);
  CHECK(read->files == manifest.files);
  CHECK(read->read_only);
}

TEST_CASE("manifest: a damaged one and one that leads out of the tree are refused") {
  std::string hash(64, 'a'), begin("banger workspace 1\0", 19);
  REQUIRE(Manifest::parse(begin).has_value());
  for (const std::string& name : {std::string("../x"), std::string("/x"), std::string("a//b"),
                                  std::string(".git/config"), std::string("a/.GIT/x"), std::string("."), std::string()})
    CHECK_FALSE(Manifest::parse(begin + "file " + hash + " " + name + '\0').has_value());
  for (const std::string& text : {std::string(), std::string("banger workspace 2\0", 19), begin + "file " + hash + " x",
                                  begin + "file abc x" + '\0', begin + "base --all" + '\0', begin + "what" + '\0'})
    CHECK_FALSE(Manifest::parse(text).has_value());
}

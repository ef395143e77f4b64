#include "image/containerfile/base_images.h"

#include "catch.h"
#include "image/containerfile/bounds.h"

using namespace banger;
using namespace image;
using Catch::Matchers::Contains;

namespace {

std::vector<std::string> names(std::string_view text, const BuildArguments& arguments = {},
                               std::string_view target = "") {
  auto found = base_images(text, arguments, target);
  if (!found) FAIL(found.error().sentence());
  std::vector<std::string> all;
  for (const auto& one : *found) {
    CHECK(one.at + one.size <= text.size());
    all.push_back(one.name);
  }
  return all;
}

using Names = std::vector<std::string>;

}  // namespace

TEST_CASE("base images: FROM names them, except for stages and scratch") {
  CHECK(names("FROM debian") == Names{"debian"});
  CHECK(names("from  debian:12   as  Build\nFROM build\nFROM scratch") == Names{"debian:12"});
  CHECK(names("# FROM x\n\nFROM a\nRUN echo FROM b\nFROM c") == Names{"a", "c"});
  CHECK(names("FROM \\\n# a comment\n\n  debian \\\n AS x") == Names{"debian"});
  CHECK(names("# escape=`\nFROM `\ndebian") == Names{"debian"});
  CHECK(names("\xEF\xBB\xBF"
              "FROM debian\r\n") == Names{"debian"});
  CHECK(names("FROM \"debian\"") == Names{"debian"});
  CHECK(names("") == Names{});
}

TEST_CASE("base images: ARGs before the first FROM have values") {
  CHECK(names("ARG A=debian\nFROM $A") == Names{"debian"});
  CHECK(names("ARG A=debian\nFROM ${A}:12", {{"A", "alpine"}}) == Names{"alpine:12"});
  CHECK(names("ARG A\nFROM $A", {{"A", "alpine"}}) == Names{"alpine"});
  CHECK(names("ARG A=x B='y z' C=\"$A-1\"\nFROM $C") == Names{"x-1"});
  CHECK(names("FROM ${A:-debian}") == Names{"debian"});
  CHECK(names("ARG A=1\nFROM x${A:+-slim}") == Names{"x-slim"});
  CHECK(names("FROM x${A:+-slim}") == Names{"x"});
  CHECK(names("FROM x-$TARGETARCH") == Names{"x-amd64"});
  // An ARG of a stage has no value in FROM, and one that is not declared has none either.
  CHECK(names("FROM a\nARG B=b\nFROM $B") == Names{"a"});
  CHECK(names("FROM $A", {{"A", "x"}}) == Names{});
  CHECK(names("FROM ${A") == Names{});
  CHECK(names("FROM ${A#x}") == Names{});
  CHECK(names("FROM a$") == Names{});
}

TEST_CASE("base images: COPY and RUN name images too") {
  CHECK(names("FROM a AS one\nCOPY --from=one /x /\nCOPY --from=0 /x /\nCOPY --chown=1 --from=b:1 /x /") ==
        Names{"a", "b:1"});
  CHECK(names("FROM a\nCOPY x --from=b") == Names{"a"});
  CHECK(names("FROM a\nRUN --mount=type=bind,from=b,target=/b --mount=from=c,target=/c x --mount=from=d") ==
        Names{"a", "b", "c"});
  CHECK(names("FROM a\nRUN --mount=type=cache,target=/from=x ls") == Names{"a"});
}

TEST_CASE("base images: stages behind the target are not needed") {
  auto text = "FROM a AS one\nCOPY --from=x / /\nFROM b AS Two\nCOPY --from=y / /\nFROM c";
  CHECK(names(text, {}, "one") == Names{"a", "x"});
  CHECK(names(text, {}, "TWO") == Names{"a", "x", "b", "y"});
  CHECK(names(text, {}, "0") == Names{"a", "x"});
  CHECK_THAT(base_images(text, {}, "three").error().sentence(), Contains("no stage is called 'three'"));
}

TEST_CASE("base images: another platform's image is left to the guest") {
  CHECK(names("FROM --platform=linux/arm64 a") == Names{});
  CHECK(names("FROM --platform=linux/amd64 a") == Names{"a"});
  CHECK(names("FROM --platform=$BUILDPLATFORM a") == Names{"a"});
}

TEST_CASE("base images: what is wrong is an error") {
  CHECK_THAT(base_images("\nFROM", {}, "").error().sentence(), Contains("line 2") && Contains("no image"));
  CHECK(base_images(std::string_view("FROM a\0b", 8), {}, "").error().code == ErrorCode::invalid);
  CHECK(base_images(std::string(limits::kContainerfileBytes + 1, ' '), {}, "").error().code == ErrorCode::exhausted);
  std::string many;
  for (std::size_t i = 0; i <= limits::kBaseImages; ++i) many += "FROM a\n";
  CHECK(base_images(many, {}, "").error().code == ErrorCode::exhausted);
}

TEST_CASE("base images: values that grow with each ARG are bounded") {
  std::string text = "ARG A=0123456789\n";
  for (int i = 0; i < 20; ++i) text += "ARG A=$A$A\n";
  auto found = base_images(text + "FROM $A", {}, "");
  REQUIRE_FALSE(found);
  CHECK(found.error().code == ErrorCode::exhausted);
  CHECK_THAT(found.error().sentence(), Contains("line 13: a value is longer than") && Contains("hint"));
  std::string value(limits::kArgumentBytes, 'a');
  CHECK(names("ARG A=" + value + "\nFROM $A") == Names{value});
  CHECK(base_images("ARG A\nFROM a$A", {{"A", value}}, "").error().code == ErrorCode::exhausted);
}

TEST_CASE("base images: the ARGs before FROM are counted") {
  std::string many;
  for (std::size_t i = 0; i < limits::kArguments; ++i) many += "ARG A=1\n";
  CHECK(names(many + "FROM a") == Names{"a"});
  CHECK(names(many + "FROM a\nARG B=1") == Names{"a"});
  CHECK_THAT(base_images(many + "ARG B=1\nFROM a", {}, "").error().sentence(), Contains("more than 1000 ARGs"));
}

TEST_CASE("base images: names can be replaced where they are written") {
  std::string_view text = "ARG V=1\nFROM a:$V AS x\nFROM b\nCOPY --from=a:1 / /\nRUN --mount=from=b,target=/ x\n";
  auto places = base_images(text, {}, "");
  REQUIRE(places);
  CHECK(with_names(text, *places, {{"a:1", "new"}}) ==
        "ARG V=1\nFROM new AS x\nFROM b\nCOPY --from=new / /\nRUN --mount=from=b,target=/ x\n");
  CHECK(with_names(text, *places, {}) == text);
}

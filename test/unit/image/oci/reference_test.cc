#include "image/oci/reference.h"

#include "catch.h"

using namespace banger;
using namespace image::oci;

namespace {

const std::string kHex(64, 'a');

std::string canonical(std::string_view text, std::string_view registry = kDockerHub) {
  auto reference = parse_reference(text, registry);
  return reference ? reference->canonical() : "error: " + reference.error().sentence();
}

}  // namespace

TEST_CASE("reference: short names are completed as Docker does") {
  CHECK(canonical("python") == "docker.io/library/python:latest");
  CHECK(canonical("python:3.12") == "docker.io/library/python:3.12");
  CHECK(canonical("team/app:v1") == "docker.io/team/app:v1");
  CHECK(canonical("docker.io/debian:bookworm") == "docker.io/library/debian:bookworm");
  CHECK(canonical("index.docker.io/library/debian") == "docker.io/library/debian:latest");
  CHECK(canonical("localhost/app") == "localhost/app:latest");
  CHECK(canonical("host:5000/a/b") == "host:5000/a/b:latest");
  CHECK(canonical("[::1]:5000/a") == "[::1]:5000/a:latest");
  CHECK(canonical("a__b/c-d--e.f:T_1") == "docker.io/a__b/c-d--e.f:T_1");
}

TEST_CASE("reference: the registry has small letters, as DNS makes no difference") {
  CHECK(canonical("LocalHost:5000/team/app") == "localhost:5000/team/app:latest");
  CHECK(canonical("Docker.IO/debian") == "docker.io/library/debian:latest");
}

TEST_CASE("reference: a registry keeps the capitals that make it one") {
  CHECK(canonical("H0/a") == "H0/a:latest");
  CHECK(canonical("h0/a") == "docker.io/h0/a:latest");
  CHECK(canonical("a", "H0") == "H0/a:latest");
  CHECK_THAT(canonical("a", "h0"), Catch::Matchers::Contains("write its port too: h0:443"));
}

TEST_CASE("reference: a digest takes the place of the tag") {
  CHECK(canonical("host:5000/a/b@sha256:" + kHex) == "host:5000/a/b@sha256:" + kHex);
  CHECK(canonical("python:3.12@sha256:" + kHex) == "docker.io/library/python@sha256:" + kHex);
  auto reference = parse_reference("a/b:t@sha256:" + kHex);
  REQUIRE(reference);
  CHECK(reference->version() == "sha256:" + kHex);
}

TEST_CASE("reference: another default registry has no directory 'library'") {
  CHECK(canonical("python:3", "mirror.test:5000") == "mirror.test:5000/python:3");
  CHECK(canonical("docker.io/python", "mirror.test") == "docker.io/library/python:latest");
}

TEST_CASE("reference: requests for docker.io go to its registry host") {
  auto hub = parse_reference("python");
  REQUIRE(hub);
  CHECK(hub->host() == "registry-1.docker.io");
  auto other = parse_reference("host:5000/a");
  REQUIRE(other);
  CHECK(other->host() == "host:5000");
}

TEST_CASE("reference: each malformed text is refused with a sentence") {
  struct Case {
    std::string text, expected;
  };
  for (const auto& [text, expected] : {
           Case{"", "it names no image"},
           {"Python", "upper-case letters (hint: did you mean 'python'?)"},
           {"docker.io/Lib/x", "upper-case"},
           {"https://host/a", "leave out the part up to ://"},
           {"a//b", "a part between slashes is empty"},
           {"a/b/", "a part between slashes is empty"},
           {"a___b", "is no valid part"},
           {"-a", "is no valid part"},
           {"a..b", "is no valid part"},
           {"a:", "tag '' is malformed"},
           {"a:.x", "tag '.x' is malformed"},
           {"a:" + std::string(129, 't'), "is malformed"},
           {"host:port/a", "is not the name of a registry"},
           {"host:99999/a", "is not the name of a registry"},
           {"ho_st.x/a", "is not the name of a registry"},
           {"a@sha256:12", "needs 64 digits"},
           {"a@sha512:" + kHex, "no digests of the kind 'sha512'"},
           {"a@md5", "is not a digest"},
           {"a b", "is no valid part"},
           {std::string(300, 'a'), "more than 255 characters"},
           {std::string(2000, 'a'), "too long"},
       }) {
    INFO(text);
    CHECK(canonical(text).starts_with("error: "));
    CHECK_THAT(canonical(text), Catch::Matchers::Contains(expected));
  }
}

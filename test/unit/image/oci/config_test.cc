#include "image/oci/config.h"

#include <fmt/format.h>

#include "catch.h"

using namespace banger;
using namespace image::oci;

namespace {

std::string config(std::string_view platform, std::string_view diff_ids, std::string_view rest = "") {
  return fmt::format(R"({{{}, "rootfs": {{"type": "layers", "diff_ids": [{}]}}{}}})", platform, diff_ids, rest);
}
constexpr std::string_view kAmd64 = R"("os": "linux", "architecture": "amd64")";
const std::string kDiffId = "\"sha256:" + std::string(64, 'd') + "\"";

std::string error_of(const std::string& text, std::size_t layers = 1) {
  auto parsed = parse_image_config(text, layers);
  return parsed ? "" : parsed.error().sentence();
}

}  // namespace

TEST_CASE("image config: tells what layers unpack to, and how programs want to run") {
  auto parsed = parse_image_config(
      config(kAmd64, kDiffId, R"(, "config": {"Env": ["A=b"], "Cmd": ["sh"], "User": "1:2", "Labels": {"x": "y"}})"),
      1);
  REQUIRE(parsed);
  REQUIRE(parsed->diff_ids.size() == 1);
  CHECK(parsed->diff_ids[0].hex() == std::string(64, 'd'));
  CHECK(parsed->run.env == std::vector<std::string>{"A=b"});
  CHECK(parsed->run.cmd == std::vector<std::string>{"sh"});
  CHECK(parsed->run.user == "1:2");
}

TEST_CASE("image config: an image for another processor is refused by its name") {
  CHECK(error_of(config(R"("os": "linux", "architecture": "arm64")", kDiffId)) ==
        "the image is not built for linux/amd64 (hint: there is linux/arm64)");
}

TEST_CASE("image config: what does not fit the manifest is refused") {
  using Catch::Matchers::Contains;
  CHECK_THAT(error_of(config(kAmd64, kDiffId), 2), Contains("describes 1 layers, and its manifest 2"));
  CHECK_THAT(error_of(config(kAmd64, "\"x\"")), Contains("'diff_ids': 'x' is not a digest"));
  CHECK_THAT(error_of("{}"), Contains("'os'"));
  CHECK_THAT(error_of("[1]"), Contains("'os'"));
  CHECK_THAT(error_of("{"), Contains("not valid JSON"));
  CHECK_THAT(error_of(config(kAmd64, kDiffId, R"(, "config": {"Env": "A"})")), Contains("Env"));
}

#include "image/oci/config.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "base/json.h"
#include "base/text.h"
#include "guestcfg/bounds.h"

namespace banger::image::oci {

namespace {

Result<> check_platform(const Json& json) {
  auto os = TRY(get_string(json, "os"));
  auto architecture = TRY(get_string(json, "architecture"));
  if (os == "linux" && architecture == "amd64") return {};
  return fail(ErrorCode::unsupported, "the image is not built for linux/amd64",
              fmt::format("there is {}/{}", printable(os, 40), printable(architecture, 40)));
}

Result<std::vector<Digest>> diff_ids(const Json& json, std::size_t layers) {
  const Json* rootfs = find_field(json, "rootfs");
  if (!rootfs) return fail(ErrorCode::invalid, "field 'rootfs' is missing");
  auto texts = TRY(in("field 'rootfs'", find_strings(*rootfs, "diff_ids")));
  if (texts.size() != layers)
    return fail(ErrorCode::invalid,
                fmt::format("its config describes {} layers, and its manifest {}", texts.size(), layers));
  std::vector<Digest> digests;
  for (const auto& text : texts) digests.push_back(TRY(in("field 'diff_ids'", Digest::parse(text))));
  return digests;
}

}  // namespace

Result<ImageConfig> parse_image_config(std::string_view text, std::size_t layers) {
  auto json = TRY(parse_unique_json(text, limits::kImageConfigBytes));
  TRY(check_platform(json));
  ImageConfig config;
  config.diff_ids = TRY(diff_ids(json, layers));
  if (const Json* run = find_field(json, "config")) config.run = TRY(guestcfg::run_config_from_json(*run));
  return config;
}

}  // namespace banger::image::oci

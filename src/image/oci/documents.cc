#include "image/oci/documents.h"

#include <fmt/format.h>
#include <time.h>

#include <nlohmann/json.hpp>

#include "base/json.h"
#include "image/oci/bounds.h"
#include "image/oci/media_types.h"

namespace banger::image::oci {

namespace {

/// RFC 3339, as the specification wants it.
std::string timestamp(std::int64_t unix_seconds) {
  time_t seconds = unix_seconds;
  struct tm utc{};
  ::gmtime_r(&seconds, &utc);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z", utc.tm_year + 1900, utc.tm_mon + 1, utc.tm_mday,
                     utc.tm_hour, utc.tm_min, utc.tm_sec);
}

Json describe(std::string_view type, const Descriptor& descriptor) {
  return {{"mediaType", type}, {"digest", descriptor.digest.text()}, {"size", descriptor.size}};
}

}  // namespace

std::string write_config(const Image& image, const Digest& diff_id) {
  auto created = timestamp(image.created_at);
  Json history = {{"created", created}, {"created_by", "banger image " + image.source}};
  return dump_json({{"created", created},
                    {"architecture", "amd64"},
                    {"os", "linux"},
                    {"config", guestcfg::to_json(image.run_config)},
                    {"rootfs", {{"type", "layers"}, {"diff_ids", Json::array({diff_id.text()})}}},
                    {"history", Json::array({history})}});
}

std::string write_manifest(const Descriptor& config, const Descriptor& layer) {
  auto layers = Json::array({describe("application/vnd.oci.image.layer.v1.tar+gzip", layer)});
  return dump_json({{"schemaVersion", 2},
                    {"mediaType", kOciManifest},
                    {"config", describe("application/vnd.oci.image.config.v1+json", config)},
                    {"layers", layers}});
}

std::string manifest_type(std::string_view text) {
  auto json = parse_json(text, limits::kOciManifestBytes);
  auto type = json ? find_string(*json, "mediaType").value_or(std::nullopt) : std::nullopt;
  bool known = type && document_kind(*type) == DocumentKind::manifest;
  return known ? *type : std::string(kOciManifest);
}

}  // namespace banger::image::oci

#include "image/oci/documents.h"

#include <fmt/format.h>
#include <time.h>

#include <algorithm>
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

/// The base's history, if it describes the base's layers. The specification wants one step for each layer.
Json base_history(const Json& config, std::size_t layers) {
  const Json* history = find_field(config, "history");
  auto has_layer = [](const Json& step) { return !find_bool(step, "empty_layer").value_or(false).value_or(false); };
  bool fits = history && history->is_array() && std::ranges::all_of(*history, &Json::is_object) &&
              std::ranges::count_if(*history, has_layer) == static_cast<std::ptrdiff_t>(layers);
  return fits ? *history : Json(layers, {{"created_by", "a layer of the base"}});
}

/// How programs want to run. What banger does not use of the base, such as labels, is kept.
Json run_config(const Image& image, const Json& base_config) {
  const Json* base = find_field(base_config, "config");
  Json config = base && base->is_object() ? *base : Json::object();
  config.update(guestcfg::to_json(image.run_config));
  return config;
}

Json describe(std::string_view type, const Descriptor& descriptor) {
  return {{"mediaType", type}, {"digest", descriptor.digest.text()}, {"size", descriptor.size}};
}

}  // namespace

std::string write_config(const Image& image, const std::vector<Digest>& diff_ids, std::string_view base_config) {
  auto created = timestamp(image.created_at);
  auto base = parse_json(base_config, limits::kOciManifestBytes).value_or(Json::object());
  auto history = base_history(base, diff_ids.size() - 1);
  history.push_back({{"created", created}, {"created_by", "banger image " + image.source}});
  Json digests = Json::array();
  for (const auto& digest : diff_ids) digests.push_back(digest.text());
  return dump_json({{"created", created},
                    {"architecture", "amd64"},
                    {"os", "linux"},
                    {"config", run_config(image, base)},
                    {"rootfs", {{"type", "layers"}, {"diff_ids", std::move(digests)}}},
                    {"history", std::move(history)}});
}

std::string write_manifest(const Descriptor& config, const std::vector<Descriptor>& layers) {
  Json list = Json::array();
  for (const auto& layer : layers) list.push_back(describe(oci_layer_type(layer.media_type), layer));
  return dump_json({{"schemaVersion", 2},
                    {"mediaType", kOciManifest},
                    {"config", describe("application/vnd.oci.image.config.v1+json", config)},
                    {"layers", std::move(list)}});
}

Result<std::vector<Descriptor>> manifest_layers(std::string_view text) {
  auto document = TRY(parse_document(text, kOciManifest));
  auto* manifest = std::get_if<Manifest>(&document);
  if (!manifest) return fail(ErrorCode::invalid, "it is an index, not a manifest");
  return std::move(manifest->layers);
}

Result<std::string> replace_layers(std::string_view text, const std::vector<std::optional<Descriptor>>& layers) {
  auto json = TRY(parse_unique_json(text, limits::kOciManifestBytes));
  for (std::size_t i = 0; i < layers.size(); ++i)
    if (layers[i]) json["layers"][i] = describe(oci_layer_type(layers[i]->media_type), *layers[i]);
  return encode_json(json);
}

std::string manifest_type(std::string_view text) {
  auto json = parse_json(text, limits::kOciManifestBytes);
  auto type = json ? find_string(*json, "mediaType").value_or(std::nullopt) : std::nullopt;
  bool known = type && document_kind(*type) == DocumentKind::manifest;
  return known ? *type : std::string(kOciManifest);
}

}  // namespace banger::image::oci

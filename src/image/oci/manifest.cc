#include "image/oci/manifest.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/json.h"
#include "base/text.h"
#include "guestcfg/bounds.h"
#include "image/oci/bounds.h"
#include "image/oci/media_types.h"

namespace banger::image::oci {

namespace {

Result<Descriptor> descriptor(const Json& json) {
  auto digest = TRY(Digest::parse(TRY(get_string(json, "digest"))));
  auto size = TRY(get_int(json, "size"));
  if (size < 0) return fail(ErrorCode::invalid, "field 'size' must not be negative");
  return Descriptor{.digest = std::move(digest), .size = static_cast<std::uint64_t>(size)};
}

Result<const Json*> list(const Json& json, std::string_view key, std::size_t most) {
  const Json* field = find_field(json, key);
  if (!field || !field->is_array()) return fail(ErrorCode::invalid, fmt::format("field '{}' must be a list", key));
  if (field->size() > most)
    return fail(ErrorCode::invalid, fmt::format("it has {} {}, and banger reads at most {}", field->size(), key, most));
  return field;
}

Result<IndexEntry> index_entry(const Json& json) {
  IndexEntry entry{.descriptor = TRY(descriptor(json)), .os = {}, .architecture = {}, .variant = {}};
  if (const Json* platform = find_field(json, "platform")) {
    entry.os = TRY(find_string(*platform, "os")).value_or("");
    entry.architecture = TRY(find_string(*platform, "architecture")).value_or("");
    entry.variant = TRY(find_string(*platform, "variant")).value_or("");
  }
  return entry;
}

Result<Index> parse_index(const Json& json) {
  Index index;
  for (const auto& item : *TRY(list(json, "manifests", limits::kIndexEntries)))
    index.entries.push_back(TRY(in("field 'manifests'", index_entry(item))));
  return index;
}

Result<Descriptor> parse_layer(const Json& json, std::size_t number) {
  auto context = fmt::format("layer {}", number);
  auto layer = TRY(in(context, descriptor(json)));
  layer.media_type = TRY(in(context, get_string(json, "mediaType")));
  TRY(in(context, check_layer_type(layer.media_type)));
  if (layer.size > limits::kLayerBytes)
    return fail(ErrorCode::invalid, fmt::format("{} has {}, and banger reads layers up to {}", context,
                                                format_size(layer.size), format_size(limits::kLayerBytes)));
  return layer;
}

Result<Manifest> parse_manifest(const Json& json) {
  const Json* config = find_field(json, "config");
  if (!config) return fail(ErrorCode::invalid, "field 'config' is missing");
  TRY(check_config_type(TRY(in("field 'config'", get_string(*config, "mediaType")))));
  Manifest manifest{.config = TRY(in("field 'config'", descriptor(*config))), .layers = {}};
  if (manifest.config.size > limits::kImageConfigBytes)
    return fail(ErrorCode::invalid,
                fmt::format("its config has {}, and banger reads at most {}", format_size(manifest.config.size),
                            format_size(limits::kImageConfigBytes)));
  std::uint64_t total = 0;
  for (const auto& item : *TRY(list(json, "layers", limits::kImageLayers))) {
    manifest.layers.push_back(TRY(parse_layer(item, manifest.layers.size() + 1)));
    total += manifest.layers.back().size;
  }
  if (manifest.layers.empty()) return fail(ErrorCode::unsupported, "it has no layers, and so no files");
  if (total > limits::kAllLayersBytes)
    return fail(ErrorCode::invalid, fmt::format("its layers have {} together, and banger reads at most {}",
                                                format_size(total), format_size(limits::kAllLayersBytes)));
  return manifest;
}

/// A document names its own type. Old ones do not; then the response's type or the fields decide.
Result<DocumentKind> kind_of(const Json& json, std::string_view content_type) {
  auto version = TRY(get_int(json, "schemaVersion"));
  if (version == 1) return DocumentKind::schema1;
  if (version != 2) return fail(ErrorCode::unsupported, fmt::format("banger knows no manifests of schema {}", version));
  bool index = find_field(json, "manifests"), manifest = find_field(json, "layers") || find_field(json, "config");
  // A document that is both means different images to different clients (CVE-2021-41190).
  if (index && manifest) return fail(ErrorCode::invalid, "it is an index and a manifest at once");
  auto named = TRY(find_string(json, "mediaType"));
  auto kind = document_kind(named ? *named : content_type);
  if (named && kind == DocumentKind::unknown)
    return fail(ErrorCode::unsupported,
                fmt::format("banger knows no documents of the type '{}'", printable(*named, 120)));
  if (kind == DocumentKind::unknown) kind = index ? DocumentKind::index : DocumentKind::manifest;
  return kind;
}

std::string platform_name(const IndexEntry& entry) {
  return printable(entry.os + "/" + entry.architecture + (entry.variant.empty() ? "" : "/" + entry.variant), 80);
}

/// Entries of the platform unknown/unknown are attestations of a build.
bool is_attestation(const IndexEntry& entry) { return entry.os == "unknown"; }

std::string platforms(const Index& index) {
  std::vector<std::string> names;
  for (const auto& entry : index.entries)
    if (!is_attestation(entry) && !entry.os.empty()) names.push_back(platform_name(entry));
  std::ranges::sort(names);
  names.erase(std::unique(names.begin(), names.end()), names.end());
  return names.empty() ? "the index names no platforms" : "there is " + join(names, ", ");
}

}  // namespace

Result<Document> parse_document(std::string_view text, std::string_view content_type) {
  auto json = TRY(parse_unique_json(text, limits::kOciManifestBytes));
  switch (TRY(kind_of(json, content_type))) {
    case DocumentKind::index:
      return TRY(parse_index(json));
    case DocumentKind::manifest:
      return TRY(parse_manifest(json));
    default:
      return fail(ErrorCode::unsupported, "it is a manifest of schema 1, the format before 2016",
                  "push the image again with a present tool, for example 'skopeo copy --format oci'");
  }
}

Result<Descriptor> choose_platform(const Index& index) {
  auto find = [&](std::string_view os, std::string_view architecture, std::string_view variant) {
    return std::ranges::find_if(index.entries, [&](const IndexEntry& entry) {
      return entry.os == os && entry.architecture == architecture && entry.variant == variant;
    });
  };
  // Variants of amd64 need newer processors, and a guest's may be an old one. So the plainest is the best.
  for (std::string_view variant : {"", "v1", "v2", "v3"})
    if (auto found = find("linux", "amd64", variant); found != index.entries.end()) return found->descriptor;
  // The image's config shows its platform, so an only entry without a platform is tried.
  if (index.entries.size() == 1 && index.entries[0].os.empty()) return index.entries[0].descriptor;
  return fail(ErrorCode::unsupported, "the image is not built for linux/amd64", platforms(index));
}

}  // namespace banger::image::oci

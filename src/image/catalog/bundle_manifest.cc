#include "image/catalog/bundle_manifest.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "base/json.h"
#include "base/text.h"
#include "host/files.h"
#include "image/catalog/bounds.h"
#include "image/names.h"
#include "image/staged_directory.h"

namespace banger::image::catalog {

namespace {

constexpr std::size_t kDigestDigits = 64;
constexpr std::string_view kModules = "modules/";

bool is_digest(std::string_view text) {
  return text.size() == kDigestDigits && text.find_first_not_of("0123456789abcdef") == text.npos;
}

bool is_module(std::string_view name) {
  if (!name.starts_with(kModules)) return false;
  name.remove_prefix(kModules.size());
  return name.ends_with(".ko") && !name.starts_with('.') && name.size() <= 255 && name.find('/') == name.npos &&
         name.find('\0') == name.npos;
}

bool belongs(BundleKind kind, std::string_view name) {
  if (kind == BundleKind::image) return name == "rootfs.ext4";
  return name == "vmlinux" || name == "modules.ext4" || name == "initrd" || is_module(name);
}

Result<BundleMember> decode_member(BundleKind kind, const Json& json) {
  TRY(only_keys(json, {"name", "size", "sha256"}));
  BundleMember member{.name = TRY(get_string(json, "name")), .sha256 = TRY(get_string(json, "sha256"))};
  auto size = TRY(get_int(json, "size"));
  if (!belongs(kind, member.name))
    return fail(ErrorCode::invalid,
                fmt::format("'{}' is no part of a bundle of this kind", printable(member.name, 80)));
  if (size < 0 || static_cast<std::uint64_t>(size) > limits::kBundleMemberBytes)
    return fail(ErrorCode::invalid, fmt::format("'{}' has the impossible size {}", member.name, size));
  if (!is_digest(member.sha256)) return fail(ErrorCode::invalid, fmt::format("'{}' has no SHA-256", member.name));
  member.size_bytes = static_cast<std::uint64_t>(size);
  return member;
}

Result<> decode_members(const Json& json, BundleManifest& manifest) {
  const Json* members = find_field(json, "members");
  if (!members || !members->is_array()) return fail(ErrorCode::invalid, "field 'members' must be a list");
  if (members->size() > limits::kBundleMembers)
    return fail(ErrorCode::exhausted, fmt::format("a bundle has more than {} members", limits::kBundleMembers));
  std::set<std::string> names;
  for (const auto& item : *members) {
    manifest.members.push_back(TRY(decode_member(manifest.kind, item)));
    const auto& name = manifest.members.back().name;
    if (!names.insert(name).second) return fail(ErrorCode::invalid, fmt::format("'{}' occurs twice", name));
  }
  std::uint64_t all_bytes = 0;
  for (const auto& member : manifest.members) all_bytes += member.size_bytes;
  if (all_bytes > limits::kBundleBytes)
    return fail(ErrorCode::exhausted,
                fmt::format("a bundle's members have more than {} in all", format_size(limits::kBundleBytes)));
  const char* required = manifest.kind == BundleKind::image ? "rootfs.ext4" : "vmlinux";
  if (!names.contains(required)) return fail(ErrorCode::invalid, fmt::format("a part is missing: '{}'", required));
  return {};
}

Result<> check_names(const BundleManifest& manifest) {
  if (manifest.kind == BundleKind::kernel) return check_store_name("kernel", manifest.name);
  TRY(check_image_name(manifest.name));
  return check_store_name("kernel", manifest.kernel);
}

Result<BundleManifest> decode(const Json& json) {
  TRY(only_keys(json, {"version", "kind", "name", "source", "kernel", "config", "release", "members"}));
  if (auto version = TRY(get_int(json, "version")); version != 1)
    return fail(ErrorCode::unsupported, fmt::format("bundles of version {} are unknown", version),
                "use a newer version of banger");
  auto kind = value_of(kBundleKindWords, TRY(get_string(json, "kind")));
  if (!kind) return fail(ErrorCode::invalid, "field 'kind' must be image or kernel");
  BundleManifest manifest{
      .kind = *kind, .name = TRY(get_string(json, "name")), .source = TRY(get_string(json, "source"))};
  manifest.kernel = TRY(find_string(json, "kernel")).value_or("");
  manifest.release = TRY(find_string(json, "release")).value_or("");
  if (const Json* config = find_field(json, "config"))
    manifest.run_config = TRY(in("field 'config'", guestcfg::run_config_from_json(*config)));
  TRY(check_names(manifest));
  TRY(decode_members(json, manifest));
  return manifest;
}

}  // namespace

Result<BundleManifest> parse_bundle_manifest(std::string_view text) {
  auto json = TRY(in("manifest of the bundle", parse_unique_json(text, limits::kBundleManifestBytes)));
  return in("manifest of the bundle", decode(json));
}

std::string to_text(const BundleManifest& manifest) {
  Json members = Json::array();
  for (const auto& member : manifest.members)
    members.push_back({{"name", member.name}, {"size", member.size_bytes}, {"sha256", member.sha256}});
  Json json{{"version", 1},
            {"kind", word_of(kBundleKindWords, manifest.kind)},
            {"name", manifest.name},
            {"source", manifest.source},
            {"members", std::move(members)}};
  if (!manifest.kernel.empty()) json["kernel"] = manifest.kernel;
  if (!manifest.release.empty()) json["release"] = manifest.release;
  if (!manifest.run_config.empty()) json["config"] = guestcfg::to_json(manifest.run_config);
  return dump_json_pretty(json) + "\n";
}

std::string bundle_id(std::string_view manifest_text) { return host::sha256_hex(manifest_text); }

std::string bundle_file_name(const BundleManifest& manifest) {
  std::string name = manifest.name;
  std::ranges::replace_if(
      name, [](char c) { return !(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && c != '.' && c != '_'; }, '-');
  return fmt::format("{}-{}.tar.zst", name, bundle_id(to_text(manifest)).substr(0, 12));
}

}  // namespace banger::image::catalog

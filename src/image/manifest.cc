#include "image/manifest.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <nlohmann/json.hpp>

#include "base/json.h"
#include "base/text.h"
#include "host/files.h"
#include "image/bounds.h"
#include "image/names.h"
#include "image/oci/digest.h"
#include "image/staged_directory.h"

namespace banger::image {

namespace {

Result<std::vector<Layer>> decode_layers(const Json& json) {
  std::vector<Layer> decoded;
  const Json* layers = find_field(json, "layers");
  if (!layers || !layers->is_array()) return fail(ErrorCode::invalid, "field 'layers' must be a list");
  for (const auto& item : *layers) {
    auto size = TRY(get_int(item, "size"));
    if (size < 0) return fail(ErrorCode::invalid, "field 'size' must not be negative");
    auto digest = TRY(oci::Digest::parse(TRY(get_string(item, "digest"))));
    decoded.push_back({.digest = digest.text(), .size_bytes = static_cast<std::uint64_t>(size)});
  }
  return decoded;
}

Json encode(const std::vector<Layer>& layers) {
  Json list = Json::array();
  for (const auto& layer : layers) list.push_back({{"digest", layer.digest}, {"size", layer.size_bytes}});
  return list;
}

Result<Pulled> decode_pulled(const Json& json) {
  return Pulled{.digest = TRY(get_string(json, "digest")),
                .manifest = TRY(get_string(json, "manifest")),
                .layers = TRY(decode_layers(json))};
}

Json encode(const Pulled& pulled) {
  return {{"digest", pulled.digest}, {"manifest", pulled.manifest}, {"layers", encode(pulled.layers)}};
}

Result<Base> decode_base(const Json& json) {
  return Base{.source = TRY(get_string(json, "source")),
              .manifest = TRY(get_string(json, "manifest")),
              .layers = TRY(decode_layers(json))};
}

Json encode(const Base& base) {
  return {{"source", base.source}, {"manifest", base.manifest}, {"layers", encode(base.layers)}};
}

Result<HostFile> decode_host_file(const Json& json) {
  HostFile file{.path = TRY(get_string(json, "path")), .modified_ns = TRY(get_int(json, "modified"))};
  if (!find_field(json, "inode")) return file;  // an older version wrote the manifest
  file.inode = static_cast<std::uint64_t>(TRY(get_int(json, "inode")));
  return file;
}

Json encode(const HostFile& file) {
  Json json{{"path", file.path}, {"modified", file.modified_ns}};
  if (file.inode == 0) return json;
  json["inode"] = static_cast<std::int64_t>(file.inode);  // some file systems use all 64 bits
  return json;
}

Result<Image> decode(const Json& json) {
  Image image;
  image.name = TRY(get_string(json, "name"));
  image.other_names = TRY(find_strings(json, "other_names"));
  for (const auto& name : names_of(image)) TRY(check_image_name(name));
  image.source = TRY(get_string(json, "source"));
  image.kernel = TRY(get_string(json, "kernel"));
  image.sha256 = TRY(get_string(json, "sha256"));
  image.created_at = TRY(get_int(json, "created_at"));
  image.init = value_of(guest::kInitKindWords, TRY(get_string(json, "init"))).value_or(guest::InitKind::other);
  auto rootfs_bytes = TRY(get_int(json, "rootfs_bytes"));
  if (rootfs_bytes <= 0) return fail(ErrorCode::invalid, "field 'rootfs_bytes' must be positive");
  image.rootfs_bytes = static_cast<std::uint64_t>(rootfs_bytes);
  if (const Json* config = find_field(json, "config"))
    image.run_config = TRY(in("field 'config'", guestcfg::run_config_from_json(*config)));
  if (const Json* pulled = find_field(json, "pulled")) image.pulled = TRY(in("field 'pulled'", decode_pulled(*pulled)));
  if (const Json* base = find_field(json, "base")) image.base = TRY(in("field 'base'", decode_base(*base)));
  if (const Json* file = find_field(json, "host_file"))
    image.host_file = TRY(in("field 'host_file'", decode_host_file(*file)));
  return image;
}

Result<Image> read(const std::string& directory) {
  std::string path = directory + "/manifest.json";
  auto text = TRY(host::read_file(path, limits::kManifestBytes));
  auto json = TRY(in(path, parse_json(text, limits::kManifestBytes)));
  auto image = TRY(in(path, decode(json)));
  image.id = directory.substr(directory.rfind('/') + 1);
  image.rootfs = image.host_file ? image.host_file->path : directory + "/rootfs.ext4";
  image.work_seed = directory + "/work-seed.ext4";
  struct stat info{};
  if (::stat(image.work_seed.c_str(), &info) < 0) return fail_errno(image.work_seed);
  image.size_bytes = host::disk_usage(image.work_seed);
  if (image.host_file) return image;  // check_host_file() is for its users
  if (::stat(image.rootfs.c_str(), &info) < 0) return fail_errno(image.rootfs);
  if (static_cast<std::uint64_t>(info.st_size) != image.rootfs_bytes)
    return fail(ErrorCode::corrupt,
                fmt::format("{} has {} bytes instead of {}", image.rootfs, info.st_size, image.rootfs_bytes));
  image.size_bytes += host::disk_usage(image.rootfs);
  return image;
}

}  // namespace

Result<Image> read_image(const std::string& directory) {
  auto image = read(directory);
  if (!image) image.error().code = ErrorCode::corrupt;
  return image;
}

Result<> write_image_manifest(const std::string& directory, const Image& image) {
  Json json{{"version", 1},
            {"name", image.name},
            {"source", image.source},
            {"kernel", image.kernel},
            {"sha256", image.sha256},
            {"rootfs_bytes", image.rootfs_bytes},
            {"created_at", image.created_at},
            {"init", to_string(image.init)}};
  if (!image.run_config.empty()) json["config"] = guestcfg::to_json(image.run_config);
  if (!image.other_names.empty()) json["other_names"] = image.other_names;
  if (!image.pulled.digest.empty()) json["pulled"] = encode(image.pulled);
  if (!image.base.manifest.empty()) json["base"] = encode(image.base);
  if (image.host_file) json["host_file"] = encode(*image.host_file);
  auto text = dump_json_pretty(json) + "\n";
  if (text.size() > limits::kManifestBytes)
    return fail(ErrorCode::exhausted,
                fmt::format("the names and the configuration of image '{}' are too long", image.id),
                "take some names away with 'banger image delete NAME'");
  return host::write_file(directory + "/manifest.json", text, 0644);
}

Result<> move_names(const std::string& store_directory, const Image& keeper) {
  for (const auto& id : store_entries(store_directory)) {
    auto other = read_image(store_directory + "/" + id);
    if (!other || id == keeper.id) continue;
    auto before = *other;
    for (const auto& name : names_of(keeper)) drop_name(*other, name);
    if (*other == before) continue;
    TRY(write_image_manifest(store_directory + "/" + id, *other));
  }
  return {};
}

}  // namespace banger::image

// The store of images by name, and building them from the recipes in images/.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/task.h"
#include "host/runtime.h"
#include "image/kernel.h"

namespace banger::image {

/// One managed image: directory `<images>/<id>` with rootfs.ext4, work-seed.ext4 and manifest.json; the directory appears by rename
/// when complete. Names are unique; building a name again makes a new id and moves the name (VMs keep the id they were made from).
struct Image {
  std::string id;             ///< 12 of [a-z0-9]
  std::string name;           ///< "debian-bookworm"
  std::string source;         ///< "recipe:debian-bookworm"
  std::string kernel;         ///< kernel name it wants: "debian-cloud"
  std::string sha256;         ///< of rootfs.ext4
  std::uint64_t size_bytes = 0;   ///< on disk
  std::uint64_t rootfs_bytes = 0; ///< length of the file system
  std::int64_t created_at = 0;
  std::string init;           ///< "systemd", "openrc", "runit", "busybox" or "none"
  std::string rootfs, work_seed;  ///< full paths
};
Json to_json(const Image& image);

/// A recipe compiled in from images/<name>/: how the root file system is made on this host.
struct Recipe {
  std::string_view name, description;
  std::string_view kernel;
  std::string_view manifest;   ///< images/<name>/recipe.json: suite, packages, files to add, commands
};

class ImageStore {
 public:
  ImageStore(host::Runtime& runtime, std::string directory, std::string cache_directory, std::string path_variable);

  Result<std::vector<Image>> list() const;
  /// By name, id or unique id prefix; `not_found` suggests the nearest and names what can be built.
  Result<Image> get(std::string_view name) const;
  std::vector<Recipe> recipes() const;

  /// Builds a recipe with mmdebstrap as this user (user namespaces) or as root, streaming its tar into an ext4 in process.
  /// `unavailable` when mmdebstrap or user namespaces are missing, with what to install.
  Task<Result<Image>> build(std::string name, StageProgress progress, host::Cancel& cancel);
  /// Makes an image from a tar file of a root file system (any compression); `name` must be free.
  Task<Result<Image>> import_tar(std::string name, std::string tar_path, std::string kernel, StageProgress progress, host::Cancel& cancel);
  /// The caller has checked that no VM uses it.
  Result<> remove(std::string_view id);
  std::vector<std::string> leftovers() const;

 private:
  host::Runtime& runtime_;
  std::string directory_, cache_directory_, path_variable_;
};

}  // namespace banger::image

// The store of images by name, and building them from the recipes in images/.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/task.h"
#include "base/unique_fd.h"
#include "ext4/from_layers.h"
#include "guest/init.h"
#include "host/runtime.h"
#include "image/feed.h"
#include "image/host_file.h"
#include "image/kernel/store.h"
#include "image/run_config.h"
#include "image/staged_directory.h"

namespace banger::image {

/// A layer of a pulled image, as the registry has it.
struct Layer {
  std::string digest;            ///< "sha256:…", of the compressed bytes
  std::uint64_t size_bytes = 0;  ///< of these bytes
  bool operator==(const Layer&) const = default;
};

/// What a pulled image was made from. Empty members: the image was not pulled.
struct Pulled {
  std::string digest;    ///< "sha256:…", of the document that the reference named: an index or a manifest
  std::string manifest;  ///< of the manifest for this platform
  std::vector<Layer> layers;
  bool operator==(const Pulled&) const = default;
};

/// The pulled image under an image that was made from a VM. Empty members: there is none.
struct Base {
  std::string source;         ///< as Image::source
  std::string manifest = {};  ///< as Pulled::manifest
  std::vector<Layer> layers = {};
  bool operator==(const Base&) const = default;
};

/// One managed image: directory `<images>/<id>` with rootfs.ext4, work-seed.ext4 and manifest.json; the directory
/// appears by rename when complete. A pulled image also has oci-manifest.json and oci-config.json, as the registry has
/// them. So has an image that was made from one of its VMs. Names are unique, and an image may have several. Building a
/// name again makes a new id and moves the name to it. The older image stays without that name, for the VMs that were
/// made from it.
struct Image {
  std::string id;                             ///< 12 of [a-z0-9]
  std::string name;                           ///< "debian-bookworm"; empty once newer images have all its names
  std::vector<std::string> other_names = {};  ///< plain ones, and references in full: "docker.io/library/python:3"
  /// "recipe:debian-bookworm", "catalog:0123456789ab", "import", "file", "vm:web",
  /// "registry:docker.io/library/python:3"
  std::string source;
  std::string kernel;              ///< the kernel that VMs of the image boot: "debian-cloud"
  std::string sha256;              ///< of rootfs.ext4; empty for what was pulled in layers, see `pulled`
  std::uint64_t size_bytes = 0;    ///< on disk
  std::uint64_t rootfs_bytes = 0;  ///< length of the file system
  std::int64_t created_at = 0;
  guest::InitKind init = guest::InitKind::none;
  RunConfig run_config;  ///< empty for images that banger builds
  Pulled pulled = {};    ///< empty unless it came from a registry
  Base base = {};        ///< empty unless a VM of a pulled image made it
  /// Of a registered image. banger owns the root file system of every other image.
  std::optional<HostFile> host_file = {};
  std::string rootfs, work_seed;  ///< full paths

  /// The image's own directory in the store.
  std::string directory() const { return work_seed.substr(0, work_seed.rfind('/')); }
  bool operator==(const Image&) const = default;
};

/// A recipe compiled in from images/<name>/, which makes a root file system on this host.
struct Recipe {
  std::string name, description, kernel;
};

/// The manifest and the configuration of a pulled image, as its registry has them.
struct Documents {
  std::string manifest, config;
};

/// What an image is made from that comes in layers.
struct LayeredImage {
  Image image;  ///< its name, source, kernel, run config, and what was pulled
  std::vector<ext4::Layer> layers = {};
  std::uint64_t max_unpacked_bytes = 0;
  Documents documents = {};
};

/// What an image is made from that comes out of a running guest.
struct GuestImage {
  Image image;                           ///< its name, source, kernel and run config
  std::unique_ptr<ByteStream> tar;       ///< of tar::pack_sources
  Documents documents = {};              ///< of image.base
  std::uint64_t max_content_bytes = 0;   ///< what the guest's disks can hold
  std::chrono::milliseconds patience{};  ///< a guest that sends nothing for so long is given up
};

/// The guest's words about what its image lacks: untrusted text.
struct LeftOut {
  std::vector<std::pair<std::string, std::string>> some;  ///< names and reasons; at most limits::kLeftOutNames
  std::uint64_t more = 0;                                 ///< how many others there are
};

class ImageStore {
 public:
  ImageStore(host::Runtime& runtime, std::string directory, std::string cache_directory, std::string path_variable,
             std::string default_registry = "docker.io");

  /// Images with a name come first, by name, then by age, newest first. Images with a damaged manifest are left out;
  /// get() gives their error.
  Result<std::vector<Image>> list() const;
  /// By name, id, reference or unique id prefix. `not_found` suggests the nearest name and lists the images that can be
  /// built.
  Result<Image> get(std::string_view name) const;
  /// The name of the image that `text` means, if it is one of its names and not its id.
  std::optional<std::string> name_meant(const Image& image, std::string_view text) const;
  /// Gives the image one more name, and takes this name from every other image. `invalid` for what cannot be a name,
  /// `exists` for the only name of another image and for an image's id.
  Result<Image> tag(std::string_view image, std::string_view new_name);
  /// Takes one name from the image, which keeps its others. REQUIRES: the image has another name.
  Result<Image> remove_name(const Image& image, std::string_view name);
  std::vector<Recipe> recipes() const;

  /// Builds a recipe with mmdebstrap as this user (user namespaces) or as root. Writes the tar stream into an ext4 in
  /// process. Packages come from the host's own apt sources for that Debian suite. `unavailable`, with a hint, when
  /// there is no such source, or when mmdebstrap or user namespaces are missing. The chroot is made under /var/tmp (or
  /// /tmp), because the build's users cannot enter a home.
  Task<Result<Image>> build(std::string name, StageProgress progress, host::Cancel& cancel);
  /// Makes an image from a tar file of a root file system (plain, gzip, zstd, xz); `exists` when the name is taken.
  Task<Result<Image>> import_tar(std::string name, std::string tar_path, std::string kernel, RunConfig run_config,
                                 StageProgress progress, host::Cancel& cancel);
  /// Makes an image from a bundle (image/catalog/bundle.h).
  Task<Result<Image>> import_bundle(BundleImport how, UniqueFd bundle, StageProgress progress, host::Cancel& cancel);
  /// Makes an image of a clean ext4 file system that stays where it is. Its files are not copied, changed or deleted.
  /// `exists` when the name is taken. Every use of the image needs check_host_file().
  Task<Result<Image>> register_file(std::string name, std::string path, std::string kernel, StageProgress progress,
                                    host::Cancel& cancel);
  /// Copies the file of a registered image into the store. Does nothing for an image that owns its file.
  Task<Result<Image>> promote(std::string name, StageProgress progress, host::Cancel& cancel);
  /// Makes an image from layers, and gives it its name. `blobs` keeps the layers' descriptors open.
  Task<Result<Image>> add_layers(LayeredImage made, std::vector<UniqueFd> blobs, StageProgress progress,
                                 host::Cancel& cancel);
  /// Makes an image from the tar stream of a guest, and gives it its name. `timeout` when the guest falls silent,
  /// `exhausted` when the disk has no room for the image beside what machines need.
  Task<Result<std::pair<Image, LeftOut>>> add_guest(GuestImage made, StageProgress progress, host::Cancel& cancel);
  /// Writes the manifest of an image of this store anew, and takes its names from every other image.
  Result<Image> update(const Image& image);
  /// REQUIRES: no VM uses the image. Removes corrupt images too. The image is out of the store before another coroutine
  /// runs.
  Task<Result<>> remove(std::string id);
  /// `exists` when an image has the name.
  Result<> check_free(std::string_view name) const;
  /// Incomplete directories left by a crash.
  std::vector<std::string> leftovers() const;
  /// Chroots in /var/tmp or /tmp of this user's builds that ended by a crash or power cut. Never those of live builds.
  static std::vector<std::string> abandoned_builds();
  /// Removes one of these chroots, with files that ids of a user namespace own.
  Task<Result<>> remove_abandoned_build(std::string path);

 private:
  /// Takes a complete directory into the store, and its names from other images unless that is refused.
  Task<Result<Image>> publish(StagedDirectory staged, Image image, NameTaken taken);

  host::Runtime& runtime_;
  std::string directory_, cache_directory_, path_variable_, default_registry_;
};

}  // namespace banger::image

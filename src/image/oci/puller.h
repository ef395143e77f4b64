// Pulls images from registries: from a reference to an image in the store.
#pragma once

#include <map>
#include <set>
#include <string>

#include "ext4/bounds.h"
#include "image/oci/blob_cache.h"
#include "image/oci/keyed_locks.h"
#include "image/oci/layer_downloads.h"
#include "image/oci/registry.h"
#include "image/store.h"

namespace banger::image::oci {

/// What VMs of pulled images boot, because such images have no kernel.
inline constexpr std::string_view kDefaultKernel = "debian-cloud";

/// From the config.
struct PullSettings {
  std::string default_registry = std::string(kDockerHub);
  InsecureRegistries insecure = {};
  /// Of all layers of an image, unpacked.
  std::uint64_t max_unpacked_bytes = limits::kUnpackedBytes;
};

enum class Cached {
  use,     ///< an image that is there already is the result
  ignore,  ///< the image is made anew, and cached layers are read and checked first
};

struct PullResult {
  std::string name;  ///< the full reference
  Image image;
  bool already = false;  ///< the image was there, and at most its names changed
};

/// Lives as long as the daemon. Pulls may run beside each other: two pulls of one image make one download and one
/// image. Control thread only.
class Puller {
 public:
  Puller(host::Runtime& runtime, ImageStore& images, Transport& transport, CredentialSources credentials,
         const std::string& cache_directory, PullSettings settings);

  /// The image gets the full reference as its name, and an older image loses this name. When the registry's content has
  /// not changed, only its digest is asked for. After a crash, the next pull goes on with the layers that are there.
  Task<Result<PullResult>> pull(std::string reference, Cached cached, StageProgress progress, host::Cancel& cancel);

  const BlobCache& cache() const { return cache_; }
  /// Layers and unfinished downloads that no image and no running pull needs. `exhausted`, `denied` and the like when
  /// the images cannot be listed.
  Result<std::vector<UnusedBlob>> unused() const;

 private:
  struct Job;
  struct Turn;
  struct Shown {
    std::string stage, text;
    int percent = -1;
  };
  Task<Result<PullResult>> run(Job& job, Cached cached);
  Task<Result<>> choose_manifest(Job& job);
  Task<Result<PullResult>> make(Job& job, Cached cached);
  /// Removes cached layers that do not match their digests. True when there was one.
  Task<Result<bool>> check_cached(const std::vector<Descriptor>& layers, host::Cancel& cancel);
  Task<Result<Image>> assemble(Job& job);
  Result<std::optional<Image>> find(const Digest& digest) const;
  /// Waits for another pull of the key, whose progress is shown meanwhile, and shows this pull's to later ones.
  Task<Result<Turn>> take_turn(std::string key, StageProgress& progress, host::Cancel& cancel);
  Result<PullResult> reuse(const Job& job, Image image);

  host::Runtime& runtime_;
  ImageStore& images_;
  Transport& transport_;
  CredentialSources credentials_;
  BlobCache cache_;
  PullSettings settings_;
  TokenCache tokens_;
  KeyedLocks images_in_work_, blobs_in_work_;
  std::map<std::string, Shown> shown_;  ///< the progress of running pulls, by the keys of images_in_work_
  std::multiset<std::string> needed_;   ///< hex digests of the layers of running pulls
};

}  // namespace banger::image::oci

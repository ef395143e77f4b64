// Pushes images of the store into registries.
#pragma once

#include <string>

#include "image/oci/blob_cache.h"
#include "image/oci/layer_file.h"
#include "image/oci/puller.h"
#include "image/oci/push_base.h"
#include "image/oci/registry.h"
#include "image/store.h"

namespace banger::image::oci {

struct PushResult {
  std::string name;              ///< the full reference
  Digest digest;                 ///< of the manifest
  std::uint64_t sent_bytes = 0;  ///< of blobs that the registry did not have
  std::uint64_t layers = 0;
  std::string note = {};  ///< why the layers of the image's base are not among them
};

/// Lives as long as the daemon. Control thread only.
class Pusher {
 public:
  Pusher(host::Runtime& runtime, const ImageStore& images, Transport& transport, CredentialSources credentials,
         const std::string& cache_directory, PullSettings settings);

  /// A pulled image is pushed with its own manifest and layers. Its layers come from the cache, or the registry has
  /// them already. An image from a VM of a pulled one has the layers of that one, and one layer with what is different.
  /// Another image becomes one layer. `invalid` for a reference with a digest.
  Task<Result<PushResult>> push(Image image, std::string reference, StageProgress progress, host::Cancel& cancel);

 private:
  struct Job;
  struct Blob;
  Task<Result<>> make_layers(Job& job);
  Task<Result<std::optional<PushBase>>> find_base(Job& job);
  Task<Result<LayerFile>> pack(Job& job, LayerContent content);
  Task<Result<>> read_pulled(Job& job);
  Task<Result<>> send(Job& job, Blob& blob);
  Task<Result<>> send_all(Job& job);

  host::Runtime& runtime_;
  const ImageStore& images_;
  Transport& transport_;
  CredentialSources credentials_;
  BlobCache cache_;
  std::string cache_directory_;
  PullSettings settings_;
  TokenCache tokens_;
};

}  // namespace banger::image::oci

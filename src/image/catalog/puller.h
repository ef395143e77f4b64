// Pulls what the catalog lists: finds the entry, tries its sources, and gives the result the entry's name.
#pragma once

#include <optional>
#include <string>

#include "image/catalog/reader.h"
#include "image/oci/blob_cache.h"
#include "image/oci/keyed_locks.h"
#include "image/oci/puller.h"

namespace banger::image::catalog {

/// When the image or kernel that is here is enough.
enum class Enough {
  any,      ///< if it has the name
  current,  ///< if one of its sources made it, and would make the same again
  never,    ///< it is made anew
};

/// What the entries of a catalog are made with. All of it is borrowed.
struct Makers {
  host::Runtime& runtime;
  ImageStore& images;
  KernelStore& kernels;
  oci::Puller& registries;
  oci::Transport& transport;
  host::Mutex& building_image;  ///< one build at a time
  host::Mutex& pulling_kernel;
};

/// Lives as long as the daemon. Two pulls of one entry at once make it once. Control thread only.
class CatalogPuller {
 public:
  CatalogPuller(Makers makers, const std::string& cache_directory, Settings settings);

  Reader& reader() { return reader_; }

  /// Nothing when the catalog has no image of this name; a name that is no plain one is not even looked for. An older
  /// image loses the name. A source that does not work is reported to `progress`, as kWarningStage.
  Task<Result<std::optional<oci::PullResult>>> pull_image(std::string name, Enough enough, StageProgress progress,
                                                          host::Cancel& cancel);
  /// Likewise. An older kernel of the name is replaced.
  Task<Result<std::optional<Kernel>>> pull_kernel(std::string name, Enough enough, StageProgress progress,
                                                  host::Cancel& cancel);

 private:
  /// One pull. The caller of its members owns it.
  struct Job {
    Entry entry;
    std::optional<Location> place;
    http::Within leads;
    Enough enough;
    StageProgress progress;
    host::Cancel& cancel;
  };
  Task<Result<std::optional<Job>>> find(BundleKind kind, std::string name, Enough enough, StageProgress progress,
                                        host::Cancel& cancel);
  std::optional<Image> image_here(const Job& job) const;
  std::optional<Kernel> kernel_here(const Job& job) const;
  Task<Result<oci::PullResult>> make_image(Job& job, Source source);
  Task<Result<Kernel>> make_kernel(Job& job, Source source);
  /// Fetches the bundle, lets `import` read it, and removes it from the cache.
  template <class Asset>
  Task<Result<Asset>> from_bundle(Job& job, Source source, std::function<Task<Result<Asset>>(UniqueFd)> import);

  Makers makers_;
  oci::BlobCache cache_;
  Reader reader_;
  oci::KeyedLocks entries_in_work_, bundles_in_work_;
};

}  // namespace banger::image::catalog

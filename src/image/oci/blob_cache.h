// Layers on disk by their digest, shared by all images: `<cache>/blobs/sha256/<hex>`. A complete blob appears by rename
// after its digest was checked. `<hex>.partial` is a download that runs, or one that the next download continues.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "image/oci/manifest.h"
#include "image/stoppable.h"

namespace banger::image::oci {

/// A file of the cache that no image needs.
struct UnusedBlob {
  std::string path;
  std::uint64_t size_bytes = 0;  ///< on disk
  bool partial = false;
};

/// An unfinished download, held with flock(2): no other process writes to it.
struct PartialBlob {
  UniqueFd fd;                   ///< for reading and writing
  std::uint64_t size_bytes = 0;  ///< what is there already; at most the blob's size
  /// The partial file, held, when it has more bytes than the blob. `fd` is then a file without a name. Only a complete
  /// download proves that the bytes there are worth nothing.
  UniqueFd larger = {};
};

/// All functions block for a short time only, except remove_damaged().
class BlobCache {
 public:
  explicit BlobCache(const std::string& cache_directory) : directory_(cache_directory + "/blobs/sha256") {}

  /// A complete blob, at its start. Nothing when it is not there. `corrupt` when it has another size: the manifest may
  /// lie, so the file stays.
  Result<std::optional<UniqueFd>> open(const Descriptor& descriptor) const;
  /// Opens or makes the partial file. Nothing while another process holds it.
  Result<std::optional<PartialBlob>> open_partial(const Descriptor& descriptor) const;
  /// Makes the file durable and gives it the blob's name. No partial file is left. REQUIRES: size and digest were
  /// checked.
  Result<> commit(const PartialBlob& partial, const Digest& digest) const;
  void remove_partial(const Digest& digest) const;
  void remove(const Digest& digest) const;

  /// Bytes that are still to be fetched. Errors as those of open().
  Result<std::uint64_t> missing_bytes(const Descriptor& descriptor) const;
  /// Reads the blob, and removes it when it does not match its digest. True when it was removed. Blocks until `stop` is
  /// set.
  bool remove_damaged(const Digest& digest, const StopFlag* stop = nullptr) const;
  /// Files of blobs whose hex digests are not in `used`, without the partial files that a process holds.
  std::vector<UnusedBlob> unused(const std::set<std::string>& used) const;
  /// Takes the name of one of these away, unless a process holds it by now. The file system frees the space when the
  /// descriptor closes, which takes a while for a large file.
  Result<UniqueFd> remove(const UnusedBlob& blob) const;

  const std::string& directory() const { return directory_; }

 private:
  std::string path(const Digest& digest) const { return directory_ + "/" + digest.hex(); }
  std::string partial_path(const Digest& digest) const { return path(digest) + ".partial"; }
  std::string directory_;
};

/// Opens a partial file with these flags and takes its lock. Nothing when another process holds the file, or has
/// removed it before this process got the lock.
Result<std::optional<UniqueFd>> hold_partial(const std::string& path, int flags);

/// `exhausted` when the disk has no room for what is missing of the blobs. `who`: "the layers need", for the error.
Result<> check_space(const BlobCache& cache, const std::vector<Descriptor>& blobs, std::string_view who);

}  // namespace banger::image::oci

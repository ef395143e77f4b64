#include "roles/cli/builder/spool.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <utility>

#include "host/files.h"
#include "host/paths.h"
#include "image/oci/blob_cache.h"
#include "roles/cli/builder/bounds.h"

namespace banger::roles::cli {

Result<Spool> Spool::make(const Io& io) {
  auto directory = image::oci::BlobCache(TRY(host::find_paths(io.env)).cache).directory();
  TRY(host::make_directories(directory, 0700));
  for (int attempt = 0; attempt < limits::kSpoolAttempts; ++attempt) {
    auto path = fmt::format("{}/build-{}.partial", directory, host::random_id());
    // A prune takes a new file for what a crash left, until this process has its lock.
    auto file = TRY(image::oci::hold_partial(path, O_RDWR | O_CREAT | O_EXCL));
    if (file) return Spool(std::move(directory), std::move(path), std::move(*file));
    TRY(host::remove_file(path));
  }
  return fail(ErrorCode::busy, fmt::format("other processes remove new files of {}", directory),
              "try again when no 'banger image prune' runs");
}

Spool::Spool(Spool&& other) noexcept
    : directory_(std::move(other.directory_)), path_(std::exchange(other.path_, {})), file_(std::move(other.file_)) {}

Spool::~Spool() {
  if (!path_.empty()) ::unlink(path_.c_str());
}

}  // namespace banger::roles::cli

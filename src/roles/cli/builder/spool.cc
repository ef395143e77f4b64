#include "roles/cli/builder/spool.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <utility>

#include "host/files.h"
#include "host/paths.h"
#include "image/oci/blob_cache.h"

namespace banger::roles::cli {

Result<Spool> Spool::make(const Io& io) {
  auto directory = image::oci::BlobCache(TRY(host::find_paths(io.env)).cache).directory();
  TRY(host::make_directories(directory, 0700));
  auto path = fmt::format("{}/build-{}.partial", directory, host::random_id());
  auto file = TRY(host::open_file(path, O_RDWR | O_CREAT | O_EXCL, 0600));
  if (::flock(file.get(), LOCK_EX | LOCK_NB) < 0) return fail_errno("lock " + path);
  return Spool(std::move(directory), std::move(path), std::move(file));
}

Spool::Spool(Spool&& other) noexcept
    : directory_(std::move(other.directory_)), path_(std::exchange(other.path_, {})), file_(std::move(other.file_)) {}

Spool::~Spool() {
  if (!path_.empty()) ::unlink(path_.c_str());
}

}  // namespace banger::roles::cli

#include "image/oci/blob_cache.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>

#include "base/text.h"
#include "host/digest.h"
#include "host/files.h"
#include "host/open_name.h"
#include "image/oci/bounds.h"

namespace banger::image::oci {

namespace fs = std::filesystem;

namespace {

constexpr std::string_view kPartial = ".partial";

std::uint64_t size_of(int fd) {
  struct stat info{};
  return ::fstat(fd, &info) == 0 ? static_cast<std::uint64_t>(info.st_size) : 0;
}

/// A file that cannot be locked may be in use.
bool is_free(const std::string& path) { return hold_partial(path, O_RDWR).value_or(std::nullopt).has_value(); }

}  // namespace

Result<std::optional<UniqueFd>> hold_partial(const std::string& path, int flags) {
  UniqueFd fd(::open(path.c_str(), flags | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!fd && errno == ENOENT && !(flags & O_CREAT)) return std::nullopt;
  if (!fd) return fail_errno(path);
  if (::flock(fd.get(), LOCK_EX | LOCK_NB) < 0) {
    if (errno == EWOULDBLOCK) return std::nullopt;
    return fail_errno("lock " + path);
  }
  if (!host::is_at(fd.get(), path)) return std::nullopt;
  return fd;
}

Result<std::optional<UniqueFd>> BlobCache::open(const Descriptor& descriptor) const {
  auto fd = host::open_file(path(descriptor.digest), O_RDONLY | O_NOFOLLOW);
  if (!fd) return std::nullopt;
  auto size = size_of(fd->get());
  if (size == descriptor.size) return std::move(*fd);
  return fail(ErrorCode::corrupt,
              fmt::format("the manifest says that layer {} has {} bytes, but the cached layer with this digest has {}",
                          descriptor.digest.brief(), descriptor.size, size),
              "ask who publishes the image");
}

Result<std::optional<PartialBlob>> BlobCache::open_partial(const Descriptor& descriptor) const {
  TRY(host::make_directories(directory_, 0700));
  auto name = partial_path(descriptor.digest);
  auto fd = TRY(hold_partial(name, O_RDWR | O_CREAT));
  if (!fd) return std::nullopt;
  auto size = size_of(fd->get());
  if (size <= descriptor.size) return PartialBlob{.fd = std::move(*fd), .size_bytes = size};
  auto anew = TRY(host::open_file(directory_, O_TMPFILE | O_RDWR, 0600));
  return PartialBlob{.fd = std::move(anew), .larger = std::move(*fd)};
}

Result<> BlobCache::commit(const PartialBlob& partial, const Digest& digest) const {
  auto from = partial_path(digest), to = path(digest);
  if (::fsync(partial.fd.get()) < 0) return fail_errno(from);
  if (partial.larger) {
    // The digest has only one content, so the larger file was no part of it.
    auto open = fmt::format("/proc/self/fd/{}", partial.fd.get());
    // Linked first: whoever gets the partial file's lock next looks for the blob.
    if (::linkat(AT_FDCWD, open.c_str(), AT_FDCWD, to.c_str(), AT_SYMLINK_FOLLOW) < 0 && errno != EEXIST)
      return fail_errno(to);
    TRY(host::remove_file(from));
  } else if (::rename(from.c_str(), to.c_str()) < 0) {
    return fail_errno(to);
  }
  auto directory = TRY(host::open_file(directory_, O_RDONLY | O_DIRECTORY));
  if (::fsync(directory.get()) < 0) return fail_errno(directory_);
  return {};
}

void BlobCache::remove_partial(const Digest& digest) const { (void)host::remove_file(partial_path(digest)); }

void BlobCache::remove(const Digest& digest) const { (void)host::remove_file(path(digest)); }

Result<std::uint64_t> BlobCache::missing_bytes(const Descriptor& descriptor) const {
  if (TRY(open(descriptor))) return 0;
  struct stat info{};
  auto have =
      ::stat(partial_path(descriptor.digest).c_str(), &info) == 0 ? static_cast<std::uint64_t>(info.st_size) : 0;
  // Of a larger file, nothing is used.
  return have <= descriptor.size ? descriptor.size - have : descriptor.size;
}

bool BlobCache::remove_damaged(const Digest& digest, const StopFlag* stop) const {
  auto name = path(digest);
  auto fd = host::open_file(name, O_RDONLY | O_NOFOLLOW);
  if (!fd) return false;
  host::Sha256 hash;
  std::string piece(limits::kBlobReadBytes, '\0');
  for (ssize_t got = 1; got != 0;) {
    if (requested(stop)) return false;
    got = ::read(fd->get(), piece.data(), piece.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return false;
    hash.add({piece.data(), static_cast<std::size_t>(got)});
  }
  // Another pull may have replaced it meanwhile.
  if (hash.finish() == digest.hex() || !host::is_at(fd->get(), name)) return false;
  return host::remove_file(name).has_value();
}

std::vector<UnusedBlob> BlobCache::unused(const std::set<std::string>& used) const {
  std::vector<UnusedBlob> found;
  std::error_code error;
  for (fs::directory_iterator at(directory_, error), end; !error && at != end; at.increment(error)) {
    auto name = at->path().filename().string();
    bool partial = name.ends_with(kPartial);
    if (partial) name.resize(name.size() - kPartial.size());
    if (used.contains(name) || (partial && !is_free(at->path()))) continue;
    found.push_back({.path = at->path(), .size_bytes = host::disk_usage(at->path()), .partial = partial});
  }
  std::ranges::sort(found, {}, &UnusedBlob::path);
  return found;
}

Result<UniqueFd> BlobCache::remove(const UnusedBlob& blob) const {
  auto held = blob.partial ? TRY(hold_partial(blob.path, O_RDWR)) : std::nullopt;
  if (blob.partial && !held && fs::exists(blob.path)) return fail(ErrorCode::busy, "a download uses it");
  UniqueFd file(::open(blob.path.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
  TRY(host::remove_file(blob.path));
  return file;
}

Result<> check_space(const BlobCache& cache, const std::vector<Descriptor>& blobs, std::string_view who) {
  std::uint64_t missing = 0;
  for (const auto& blob : blobs) missing += TRY(cache.missing_bytes(blob));
  if (missing == 0) return {};
  TRY(host::make_directories(cache.directory(), 0700));
  auto free = TRY(host::free_space(cache.directory()));
  if (free >= missing + limits::kPullSpareBytes) return {};
  return fail(ErrorCode::exhausted,
              fmt::format("{} {} more, and {} must stay free, but {} has only {} free", who, format_size(missing),
                          format_size(limits::kPullSpareBytes), cache.directory(), format_size(free)),
              "free some space; 'banger image prune' removes layers that no image needs");
}

}  // namespace banger::image::oci

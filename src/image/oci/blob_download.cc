#include "image/oci/blob_download.h"

#include <fmt/format.h>
#include <unistd.h>

#include "base/text.h"
#include "host/digest.h"
#include "host/files.h"
#include "image/oci/bounds.h"

namespace banger::image::oci {

namespace {

/// A partial file and the hash of what it has.
struct Received {
  PartialBlob file;
  host::Sha256 hash;
  std::uint64_t bytes = 0;
};

/// Reads what an earlier download left; blocking.
Result<> read_kept(Received& received, const StopFlag* stop) {
  std::string piece(limits::kBlobReadBytes, '\0');
  while (received.bytes < received.file.size_bytes) {
    if (requested(stop)) return fail(ErrorCode::cancelled, "cancelled");
    auto want = std::min<std::uint64_t>(piece.size(), received.file.size_bytes - received.bytes);
    auto got = ::pread(received.file.fd.get(), piece.data(), want, static_cast<off_t>(received.bytes));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return fail_errno("read a partial download", got < 0 ? errno : EIO);
    received.hash.add({piece.data(), static_cast<std::size_t>(got)});
    received.bytes += static_cast<std::uint64_t>(got);
  }
  if (::lseek(received.file.fd.get(), static_cast<off_t>(received.bytes), SEEK_SET) < 0) return fail_errno("lseek");
  return {};
}

/// Blocking.
Result<> append(Received& received, std::string_view piece) {
  TRY(in("write to the cache", host::write_all(received.file.fd.get(), piece)));
  received.hash.add(piece);
  received.bytes += piece.size();
  return {};
}

/// The file from its beginning, read-only. A prune may have taken its name by now.
Result<UniqueFd> reopen(const Received& received) {
  return host::open_file(fmt::format("/proc/self/fd/{}", received.file.fd.get()), O_RDONLY);
}

Result<> start_again(Received& received) {
  if (::ftruncate(received.file.fd.get(), 0) < 0 || ::lseek(received.file.fd.get(), 0, SEEK_SET) < 0)
    return fail_errno("empty a partial download");
  received.hash = {};
  received.bytes = 0;
  return {};
}

std::unexpected<Error> mismatch(const BlobOrigin& origin, const Descriptor& descriptor) {
  return fail(ErrorCode::corrupt, fmt::format("{} {} does not match its digest: other content was sent", origin.what,
                                              descriptor.digest.brief()));
}

Error with_way_out(Error error, const BlobOrigin& origin) {
  if (error.code == ErrorCode::exhausted) return std::move(error).with_hint("'banger image prune' frees space");
  if (error.code != ErrorCode::corrupt || !error.hint.empty()) return error;
  return std::move(error).with_hint(fmt::format("try again; if this goes on, ask {}", origin.publisher));
}

Task<Result<>> receive(host::Runtime& runtime, const BlobOrigin& origin, const Descriptor& descriptor,
                       Received& received, const BlobProgress& progress, host::Cancel& cancel) {
  http::Download download{.offset = received.bytes, .size_bytes = descriptor.size, .max_bytes = descriptor.size};
  download.write = [&](std::string_view piece) -> Task<Result<>> {
    CO_TRY(co_await runtime.blocking([&] { return append(received, piece); }));
    progress(received.bytes);
    co_return Result<>();
  };
  download.restart = [&]() -> Task<Result<>> { co_return start_again(received); };
  co_return co_await origin.download(descriptor, std::move(download), cancel);
}

/// Fills the partial file, which may have a beginning, and gives it its name.
Task<Result<>> complete(BlobParts parts, const BlobOrigin& origin, const Descriptor& descriptor, Received& received,
                        const BlobProgress& progress, host::Cancel& cancel) {
  auto read = [&](const StopFlag* stop) { return read_kept(received, stop); };
  CO_TRY(co_await stoppable(parts.runtime, cancel, read));
  bool continued = received.bytes > 0;
  for (;;) {
    progress(received.bytes);
    if (received.bytes < descriptor.size || descriptor.size == 0)
      CO_TRY(co_await receive(parts.runtime, origin, descriptor, received, progress, cancel));
    if (received.bytes == descriptor.size && received.hash.finish() == descriptor.digest.hex()) break;
    if (!std::exchange(continued, false)) co_return mismatch(origin, descriptor);
    // The fault may be in the part that was on the disk.
    CO_TRY(start_again(received));
  }
  co_return co_await parts.runtime.blocking([&] { return parts.cache.commit(received.file, descriptor.digest); });
}

/// Shows how far the download of somebody else is.
void report_others(const BlobParts& parts, const Descriptor& descriptor, const BlobProgress& progress) {
  if (auto missing = parts.cache.missing_bytes(descriptor)) progress(descriptor.size - *missing);
}

/// Another process may hold the partial file. Its lock has no event.
Task<Result<std::optional<PartialBlob>>> wait_for_partial(BlobParts parts, const Descriptor& descriptor,
                                                          const BlobProgress& progress, host::Cancel& cancel) {
  for (;;) {
    CO_TRY(cancel.check());
    if (auto partial = CO_TRY(parts.cache.open_partial(descriptor))) co_return partial;
    if (CO_TRY(parts.cache.open(descriptor))) co_return std::nullopt;
    report_others(parts, descriptor, progress);
    co_await parts.runtime.sleep_for(limits::kPullTick);
  }
}

}  // namespace

Task<Result<UniqueFd>> fetch_blob(BlobParts parts, const BlobOrigin& origin, Descriptor descriptor,
                                  BlobProgress progress, host::Cancel& cancel) {
  auto waiting = [&] { report_others(parts, descriptor, progress); };
  auto turn = CO_TRY(co_await parts.locks.lock(descriptor.digest.hex(), cancel, waiting));
  if (auto there = CO_TRY(parts.cache.open(descriptor))) {
    progress(descriptor.size);
    co_return std::move(*there);
  }
  auto partial = CO_TRY(co_await wait_for_partial(parts, descriptor, progress, cancel));
  if (partial) {
    Received received{.file = std::move(*partial), .hash = {}};
    auto done = co_await complete(parts, origin, descriptor, received, progress, cancel);
    if (!done) {
      auto code = done.error().code;
      bool useless = code == ErrorCode::exhausted || received.bytes == 0 || received.bytes >= descriptor.size;
      if (useless && !received.file.larger) parts.cache.remove_partial(descriptor.digest);
      co_return std::unexpected(with_way_out(std::move(done).error(), origin));
    }
    progress(descriptor.size);
    co_return reopen(received);
  }
  auto blob = CO_TRY(parts.cache.open(descriptor));
  if (!blob)
    co_return fail(ErrorCode::busy,
                   fmt::format("{} {} was removed while it was fetched", origin.what, descriptor.digest.brief()),
                   "try again");
  progress(descriptor.size);
  co_return std::move(*blob);
}

}  // namespace banger::image::oci

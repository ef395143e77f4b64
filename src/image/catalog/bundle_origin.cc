#include "image/catalog/bundle_origin.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "base/text.h"
#include "host/files.h"
#include "image/oci/bounds.h"

namespace banger::image::catalog {

namespace {

std::unexpected<Error> refused(int status) {
  bool missing = status == 404 || status == 410;
  return fail(missing ? ErrorCode::not_found : ErrorCode::unavailable,
              fmt::format("the server answers {}", http::status_text(status)),
              missing ? "ask who publishes the catalog" : "try again later");
}

Task<Result<>> fetch(oci::Transport& transport, http::Url url, http::Within within, http::Download download,
                     host::Cancel& cancel) {
  http::Request request{.url = std::move(url)};
  // Size and digest are the catalog's, so the way need not be trusted.
  request.plain = request.url.scheme == "http" ? http::Plain::allowed : http::Plain::refused;
  request.within = within;
  request.cancel = &cancel;
  auto response = CO_TRY(co_await transport.download(std::move(request), std::move(download)));
  if (response.status == 200 || response.status == 206) co_return Result<>();
  co_return refused(response.status);
}

Result<UniqueFd> open_sized(const std::string& path, std::uint64_t size_bytes) {
  auto file = TRY(host::open_regular_file(path));
  struct stat info{};
  if (::fstat(file.get(), &info) < 0) return fail_errno(path);
  if (static_cast<std::uint64_t>(info.st_size) == size_bytes) return file;
  return fail(ErrorCode::corrupt,
              fmt::format("the file has {} bytes, and the catalog says {}", info.st_size, size_bytes),
              "ask who publishes the catalog");
}

/// Nothing at the end.
Result<std::string> read_piece(int fd, std::uint64_t offset) {
  std::string piece(limits::kBlobReadBytes, '\0');
  for (;;) {
    auto got = ::pread(fd, piece.data(), piece.size(), static_cast<off_t>(offset));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail_errno("read the bundle");
    piece.resize(static_cast<std::size_t>(got));
    return piece;
  }
}

Task<Result<>> copy(host::Runtime& runtime, std::string path, http::Download download, host::Cancel& cancel) {
  auto size = download.size_bytes.value_or(0);
  auto file = CO_TRY(co_await runtime.blocking([&] { return open_sized(path, size); }));
  for (auto offset = download.offset; offset < size;) {
    CO_TRY(cancel.check());
    auto piece = CO_TRY(co_await runtime.blocking([&] { return read_piece(file.get(), offset); }));
    if (piece.empty()) co_return fail(ErrorCode::corrupt, "the file became shorter while it was read");
    if (piece.size() > size - offset) piece.resize(size - offset);
    CO_TRY(co_await download.write(piece));
    offset += piece.size();
  }
  co_return Result<>();
}

}  // namespace

oci::BlobOrigin bundle_at(host::Runtime& runtime, oci::Transport& transport, Location place, http::Within within) {
  oci::BlobOrigin origin{.what = "bundle", .publisher = "who publishes the catalog", .download = {}};
  if (auto* url = std::get_if<http::Url>(&place)) {
    origin.download = [&transport, url = *url, within](oci::Descriptor, http::Download download, host::Cancel& cancel) {
      return fetch(transport, url, within, std::move(download), cancel);
    };
    return origin;
  }
  origin.download = [&runtime, path = std::get<File>(place).path](oci::Descriptor, http::Download download,
                                                                  host::Cancel& cancel) {
    return copy(runtime, path, std::move(download), cancel);
  };
  return origin;
}

std::string progress_text(std::uint64_t done_bytes, std::uint64_t size_bytes) {
  return fmt::format("{} of {}", format_size(done_bytes), format_size(size_bytes));
}

}  // namespace banger::image::catalog

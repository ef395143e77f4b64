#include <archive.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <memory>

#include "base/text.h"
#include "host/files.h"
#include "tar/bounds.h"
#include "tar/tar.h"

namespace banger::tar {

namespace {

struct FreeArchive {
  void operator()(archive* reader) const { archive_read_free(reader); }
};

struct Source {
  int fd = -1;
  std::string buffer = std::string(limits::kTarReadBytes, '\0');

  static la_ssize_t read_some(archive* reader, void* from, const void** data) {
    auto* source = static_cast<Source*>(from);
    ssize_t got = ::read(source->fd, source->buffer.data(), source->buffer.size());
    while (got < 0 && errno == EINTR) got = ::read(source->fd, source->buffer.data(), source->buffer.size());
    if (got < 0) archive_set_error(reader, errno, "read");
    *data = source->buffer.data();
    return got;
  }
};

std::unexpected<Error> failure(archive* reader) {
  if (int number = archive_errno(reader); number == EIO || number == ENOMEM) return fail_errno("read archive", number);
  const char* why = archive_error_string(reader);
  return fail(ErrorCode::corrupt, fmt::format("archive is damaged: {}", why ? printable(why) : "unknown error"));
}

}  // namespace

Result<> decompress(int from, int to, std::atomic<std::uint64_t>* written) {
  Source source{.fd = from};
  std::unique_ptr<archive, FreeArchive> reader(archive_read_new());
  if (!reader) return fail(ErrorCode::exhausted, "open archive: out of memory");
  archive_read_support_filter_gzip(reader.get());
  archive_read_support_filter_zstd(reader.get());
  archive_read_support_filter_xz(reader.get());
  archive_read_support_format_raw(reader.get());
  archive_read_support_format_empty(reader.get());
  archive_entry* entry = nullptr;
  if (archive_read_open(reader.get(), &source, nullptr, Source::read_some, nullptr) != ARCHIVE_OK)
    return failure(reader.get());
  int status = archive_read_next_header(reader.get(), &entry);
  while (status == ARCHIVE_OK || status == ARCHIVE_WARN) {
    const void* data = nullptr;
    std::size_t size = 0;
    la_int64_t offset = 0;
    status = archive_read_data_block(reader.get(), &data, &size, &offset);
    if (status != ARCHIVE_OK && status != ARCHIVE_WARN) break;
    TRY(host::write_all(to, {static_cast<const char*>(data), size}));
    if (written) *written += size;
  }
  return status == ARCHIVE_EOF ? Result<>() : failure(reader.get());
}

}  // namespace banger::tar

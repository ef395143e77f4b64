#include "tar/writer.h"

#include <archive.h>
#include <archive_entry.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <string>

#include "host/files.h"
#include "tar/bounds.h"

namespace banger::tar {

namespace {

struct FreeEntry {
  void operator()(archive_entry* entry) const { archive_entry_free(entry); }
};
using Entry = std::unique_ptr<archive_entry, FreeEntry>;

unsigned type_of(EntryKind kind) {
  switch (kind) {
    case EntryKind::directory:
      return AE_IFDIR;
    case EntryKind::symlink:
      return AE_IFLNK;
    case EntryKind::character_device:
      return AE_IFCHR;
    case EntryKind::block_device:
      return AE_IFBLK;
    case EntryKind::fifo:
      return AE_IFIFO;
    case EntryKind::file:
    case EntryKind::hard_link:
    case EntryKind::other:
      break;
  }
  return AE_IFREG;
}

Entry convert(const TarEntry& from) {
  Entry entry(archive_entry_new());
  archive_entry_copy_pathname(entry.get(), from.path.c_str());
  archive_entry_set_filetype(entry.get(), type_of(from.kind));
  archive_entry_set_perm(entry.get(), static_cast<__LA_MODE_T>(from.mode));
  archive_entry_set_uid(entry.get(), from.uid);
  archive_entry_set_gid(entry.get(), from.gid);
  archive_entry_set_mtime(entry.get(), from.mtime.seconds, from.mtime.nanoseconds);
  archive_entry_set_size(entry.get(), from.kind == EntryKind::file ? from.size : 0);
  if (from.kind == EntryKind::symlink) archive_entry_copy_symlink(entry.get(), from.target.c_str());
  if (from.kind == EntryKind::hard_link) archive_entry_copy_hardlink(entry.get(), from.target.c_str());
  if (from.kind == EntryKind::character_device || from.kind == EntryKind::block_device) {
    archive_entry_set_rdevmajor(entry.get(), static_cast<dev_t>(from.device_major));
    archive_entry_set_rdevminor(entry.get(), static_cast<dev_t>(from.device_minor));
  }
  for (const auto& [name, value] : from.xattrs)
    archive_entry_xattr_add_entry(entry.get(), name.c_str(), value.data(), value.size());
  if (from.left_out)
    archive_entry_xattr_add_entry(entry.get(), std::string(kLeftOutMark).c_str(), from.left_out->data(),
                                  from.left_out->size());
  return entry;
}

}  // namespace

struct TarWriter::State {
  archive* writer = nullptr;
  int fd = -1;
  std::atomic<std::uint64_t>* written = nullptr;
  /// Freeing a writer ends its archive properly, even after an error. But a broken stream must not look complete, so
  /// the bytes are dropped from here on.
  bool broken = false;
  std::string zeros = std::string(limits::kPackWriteBytes, '\0');

  ~State() {
    broken = true;
    archive_write_free(writer);
  }

  std::unexpected<Error> failure() const {
    int number = archive_errno(writer);
    if (number > 0) return fail_errno("write archive", number);
    const char* why = archive_error_string(writer);
    return fail(ErrorCode::internal, fmt::format("write archive: {}", why ? why : "unknown error"));
  }

  static la_ssize_t write_some(archive* writer, void* to, const void* data, std::size_t size) {
    auto* state = static_cast<State*>(to);
    if (state->broken) return static_cast<la_ssize_t>(size);
    ssize_t put = ::write(state->fd, data, size);
    while (put < 0 && errno == EINTR) put = ::write(state->fd, data, size);
    if (put < 0) archive_set_error(writer, errno, "write");
    if (put > 0 && state->written) *state->written += static_cast<std::uint64_t>(put);
    return put;
  }
};

TarWriter::TarWriter(std::unique_ptr<State> state) : state_(std::move(state)) {}
TarWriter::TarWriter(TarWriter&&) noexcept = default;
TarWriter& TarWriter::operator=(TarWriter&&) noexcept = default;
TarWriter::~TarWriter() = default;

Result<TarWriter> TarWriter::open(int fd, std::atomic<std::uint64_t>* written) {
  auto state = std::make_unique<State>();
  state->fd = fd;
  state->written = written;
  state->writer = archive_write_new();
  if (!state->writer) return fail(ErrorCode::exhausted, "write archive: out of memory");
  // The full pax format, because the restricted one drops nanoseconds. Names are bytes, not text of a locale.
  archive_write_set_format_pax(state->writer);
  archive_write_set_format_option(state->writer, "pax", "hdrcharset", "BINARY");
  archive_write_set_bytes_per_block(state->writer, limits::kPackWriteBytes);
  archive_write_set_bytes_in_last_block(state->writer, 1);
  if (archive_write_open(state->writer, state.get(), nullptr, State::write_some, nullptr) != ARCHIVE_OK)
    return state->failure();
  return TarWriter(std::move(state));
}

Result<> TarWriter::add(const TarEntry& from, std::span<const Extent> data) {
  Entry entry = convert(from);
  for (const auto& extent : data)
    archive_entry_sparse_add_entry(entry.get(), static_cast<la_int64_t>(extent.offset),
                                   static_cast<la_int64_t>(extent.size));
  if (archive_write_header(state_->writer, entry.get()) < ARCHIVE_WARN) return state_->failure();
  return {};
}

Result<> TarWriter::write(std::string_view bytes) {
  la_ssize_t put = archive_write_data(state_->writer, bytes.data(), bytes.size());
  if (put < static_cast<la_ssize_t>(bytes.size())) return state_->failure();
  return {};
}

Result<> TarWriter::write_zeros(std::uint64_t count) {
  for (; count > 0; count -= std::min<std::uint64_t>(count, state_->zeros.size()))
    TRY(write(std::string_view(state_->zeros).substr(0, std::min<std::uint64_t>(count, state_->zeros.size()))));
  return {};
}

Result<> TarWriter::leave_out(std::string_view name, std::string_view reason) {
  return add({.path = std::string(name), .kind = EntryKind::file, .left_out = std::string(reason)});
}

Result<> TarWriter::finish() {
  if (archive_write_close(state_->writer) != ARCHIVE_OK) return state_->failure();
  return {};
}

void TarWriter::break_off(std::string_view reason) {
  state_->broken = true;
  auto most = limits::kBreakReasonBytes - kBrokenMark.size() - 1;
  (void)host::write_all(state_->fd, fmt::format("{}{}\n", kBrokenMark, reason.substr(0, most)));
}

}  // namespace banger::tar

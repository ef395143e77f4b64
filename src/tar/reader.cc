#include "tar/reader.h"

#include <archive.h>
#include <archive_entry.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/text.h"
#include "tar/acl.h"
#include "tar/bounds.h"
#include "tar/pax.h"

namespace banger::tar {

namespace {

std::string text(const char* maybe_null) { return maybe_null ? maybe_null : ""; }

EntryKind kind_of(archive_entry* entry) {
  if (archive_entry_hardlink(entry)) return EntryKind::hard_link;
  switch (archive_entry_filetype(entry)) {
    case AE_IFREG:
      return EntryKind::file;
    case AE_IFDIR:
      return EntryKind::directory;
    case AE_IFLNK:
      return EntryKind::symlink;
    case AE_IFCHR:
      return EntryKind::character_device;
    case AE_IFBLK:
      return EntryKind::block_device;
    case AE_IFIFO:
      return EntryKind::fifo;
    default:
      return EntryKind::other;
  }
}

EntryTime time_of(std::int64_t seconds, long nanoseconds) {
  return {seconds, static_cast<std::uint32_t>(std::clamp(nanoseconds, 0L, 999'999'999L))};
}

void set_xattr(TarEntry& out, std::string name, std::string value) {
  auto same = std::ranges::find(out.xattrs, name, [](const auto& pair) -> const std::string& { return pair.first; });
  if (same != out.xattrs.end())
    same->second = std::move(value);
  else
    out.xattrs.emplace_back(std::move(name), std::move(value));
}

Result<> read_xattrs(archive_entry* entry, TarEntry& out) {
  archive_entry_xattr_reset(entry);
  const char* name = nullptr;
  const void* value = nullptr;
  std::size_t size = 0, total = 0;
  while (archive_entry_xattr_next(entry, &name, &value, &size) == ARCHIVE_OK) {
    if (!name) continue;
    total += std::strlen(name) + size;
    if (total > limits::kEntryXattrBytes)
      return fail(ErrorCode::invalid, fmt::format("archive entry '{}' has more than {} bytes of extended attributes",
                                                  printable(out.path), limits::kEntryXattrBytes));
    std::string text = value ? std::string(static_cast<const char*>(value), size) : std::string();
    if (name == kLeftOutMark)
      out.left_out = std::move(text);
    else
      set_xattr(out, name, std::move(text));
  }
  if (auto acl = TRY(acl_xattr(entry, AclType::access))) {
    // libarchive takes the mode's group bits from the ACL's owning group. On Linux these bits are the ACL's mask
    // (acl(5)).
    if (auto mask = acl_mask(*acl)) out.mode = (out.mode & ~070u) | *mask << 3;
    set_xattr(out, "system.posix_acl_access", std::move(*acl));
  }
  if (auto acl = TRY(acl_xattr(entry, AclType::on_default)))
    set_xattr(out, "system.posix_acl_default", std::move(*acl));
  return {};
}

std::vector<Extent> extents_of(archive_entry* entry) {
  std::vector<Extent> extents;
  la_int64_t offset = 0, size = 0;
  if (archive_entry_sparse_reset(entry) > 0)
    while (archive_entry_sparse_next(entry, &offset, &size) == ARCHIVE_OK)
      extents.push_back({static_cast<std::uint64_t>(offset), static_cast<std::uint64_t>(size)});
  return extents;
}

Result<TarEntry> convert(archive_entry* entry) {
  TarEntry out;
  out.path = text(archive_entry_pathname(entry));
  out.kind = kind_of(entry);
  out.mode = archive_entry_perm(entry) & 07777;
  out.uid = archive_entry_uid(entry);
  out.gid = archive_entry_gid(entry);
  out.mtime = time_of(archive_entry_mtime(entry), archive_entry_mtime_nsec(entry));
  if (archive_entry_atime_is_set(entry))
    out.atime = time_of(archive_entry_atime(entry), archive_entry_atime_nsec(entry));
  if (out.kind == EntryKind::file) out.size = archive_entry_size(entry);
  if (out.kind == EntryKind::file) out.extents = extents_of(entry);
  if (out.kind == EntryKind::symlink) out.target = text(archive_entry_symlink(entry));
  if (out.kind == EntryKind::hard_link) out.target = text(archive_entry_hardlink(entry));
  if (out.kind == EntryKind::character_device || out.kind == EntryKind::block_device) {
    out.device_major = static_cast<std::int64_t>(archive_entry_rdevmajor(entry));
    out.device_minor = static_cast<std::int64_t>(archive_entry_rdevminor(entry));
  }
  TRY(read_xattrs(entry, out));
  return out;
}

}  // namespace

struct TarReader::State {
  archive* reader = nullptr;
  int fd = -1;
  ByteSource* source = nullptr;  ///< instead of `fd`
  End end = End::marked;
  std::uint64_t source_bytes = 0;  ///< read from `source`
  std::optional<Error> source_error;
  std::uint64_t read_to = 0;     ///< end of the piece before, in the current member
  std::int64_t members_end = 0;  ///< uncompressed bytes up to the end of the last member
  bool inside = false;           ///< the current member's content is not read to its end
  std::uint64_t step_bytes = 0;  ///< read from `fd` since the last call on libarchive began
  std::string buffer;            ///< of what `fd` gave
  std::string tail;              ///< the last bytes of the stream
  ~State() { archive_read_free(reader); }

  bool read_too_much() const { return step_bytes > limits::kEntryHeaderBytes; }

  /// libarchive keeps headers and maps of holes in memory. So one call on it may read only so much.
  static la_ssize_t read_some(archive* reader, void* from, const void** data) {
    auto* state = static_cast<State*>(from);
    if (state->read_too_much()) {
      archive_set_error(reader, E2BIG, "too many headers");
      return -1;
    }
    if (state->source) return state->read_source(data);
    ssize_t got = ::read(state->fd, state->buffer.data(), state->buffer.size());
    while (got < 0 && errno == EINTR) got = ::read(state->fd, state->buffer.data(), state->buffer.size());
    if (got < 0) archive_set_error(reader, errno, "read");
    if (got > 0) state->take({state->buffer.data(), static_cast<std::size_t>(got)});
    *data = state->buffer.data();
    return got;
  }

  la_ssize_t read_source(const void** data) {
    auto bytes = source->next();
    if (!bytes) {
      archive_set_error(reader, EIO, "read");
      source_error = std::move(bytes.error());
      return -1;
    }
    step_bytes += bytes->size();
    source_bytes += bytes->size();
    if (bytes->empty() && end == End::any) return read_padding(data);
    *data = bytes->data();
    return static_cast<la_ssize_t>(bytes->size());
  }

  /// The rest of the last block, which is missing where an end marker is.
  la_ssize_t read_padding(const void** data) {
    static constexpr char kZeros[kTarBlock] = {};
    auto missing = (kTarBlock - source_bytes % kTarBlock) % kTarBlock;
    source_bytes += missing;
    *data = kZeros;
    return static_cast<la_ssize_t>(missing);
  }

  void take(std::string_view bytes) {
    step_bytes += bytes.size();
    if (bytes.size() > limits::kBreakReasonBytes) bytes.remove_prefix(bytes.size() - limits::kBreakReasonBytes);
    if (tail.size() + bytes.size() > limits::kBreakReasonBytes)
      tail.erase(0, tail.size() + bytes.size() - limits::kBreakReasonBytes);
    tail += bytes;
  }

  /// The words of a sender that broke the stream off. The end of the stream is already read.
  std::optional<std::string> broken_off() const {
    auto mark = tail.rfind(kBrokenMark);
    if (mark == tail.npos || !tail.ends_with('\n')) return std::nullopt;
    return printable(trim(std::string_view(tail).substr(mark + kBrokenMark.size())), limits::kBreakReasonBytes);
  }

  std::unexpected<Error> failure() const {
    if (source_error) return std::unexpected(*source_error);
    if (auto reason = broken_off()) return fail(ErrorCode::busy, *reason);
    int number = archive_errno(reader);
    const char* why = archive_error_string(reader);
    if (read_too_much())
      return fail(ErrorCode::exhausted,
                  fmt::format("an archive entry has headers of more than {}", format_size(limits::kEntryHeaderBytes)));
    // Real errno values come from read(2); libarchive's own start at -1 (ARCHIVE_ERRNO_MISC) or are EILSEQ and EINVAL
    // for bad data.
    if (number == ENOSPC || number == EIO || number == ENOMEM || number == EBADF)
      return fail_errno("read archive", number);
    if (number == EISDIR) return fail(ErrorCode::invalid, "this is a directory, not a tar archive");
    // The words of libarchive when no reader recognises the first bytes (archive_read.c).
    if (why && std::string_view(why) == "Unrecognized archive format")
      return fail(ErrorCode::corrupt, "this is no tar archive: the first bytes are those of another kind of file",
                  "make one with 'tar cf', compressed with gzip, xz or zstd, or not at all");
    return fail(ErrorCode::corrupt, fmt::format("archive is damaged: {}", why ? printable(why) : "unknown error"));
  }

  /// A source may check its end, so all of it is read. A longer rest would be no padding, but endless work.
  Result<> drain_source() {
    for (std::size_t total = 0;;) {
      std::string_view bytes = TRY(source->next());
      if (bytes.empty()) return {};
      total += bytes.size();
      if (total > limits::kArchivePaddingBytes)
        return fail(ErrorCode::corrupt, fmt::format("archive is damaged: more than {} follow its end",
                                                    format_size(limits::kArchivePaddingBytes)));
    }
  }

  Result<> drain() {
    if (source) return drain_source();
    std::string scratch(1 << 16, '\0');
    for (std::size_t total = 0; total < limits::kArchivePaddingBytes;) {
      ssize_t got = ::read(fd, scratch.data(), scratch.size());
      if (got < 0 && errno == EINTR) continue;
      if (got <= 0) break;
      total += static_cast<std::size_t>(got);
    }
    return {};
  }
};

TarReader::TarReader(std::unique_ptr<State> state) : state_(std::move(state)) {}
TarReader::TarReader(TarReader&&) noexcept = default;
TarReader& TarReader::operator=(TarReader&&) noexcept = default;
TarReader::~TarReader() = default;

Result<TarReader> TarReader::open(int fd, Compression compression) {
  auto state = std::make_unique<State>();
  state->fd = fd;
  state->buffer.resize(limits::kTarReadBytes);
  return open(std::move(state), compression);
}

Result<TarReader> TarReader::open(ByteSource& source, End end) {
  auto state = std::make_unique<State>();
  state->source = &source;
  state->end = end;
  return open(std::move(state), Compression::none);
}

Result<TarReader> TarReader::open(std::unique_ptr<State> state, Compression compression) {
  state->reader = archive_read_new();
  if (!state->reader) return fail(ErrorCode::exhausted, "open archive: out of memory");
  // Formats are named one by one: support_format_all would link every format, and ICU with them.
  if (compression == Compression::any) {
    archive_read_support_filter_gzip(state->reader);
    archive_read_support_filter_zstd(state->reader);
    archive_read_support_filter_xz(state->reader);
  }
  archive_read_support_filter_none(state->reader);
  archive_read_support_format_tar(state->reader);
  archive_read_support_format_gnutar(state->reader);
  if (archive_read_open(state->reader, state.get(), nullptr, State::read_some, nullptr) != ARCHIVE_OK)
    return state->failure();
  return TarReader(std::move(state));
}

Result<std::optional<TarEntry>> TarReader::next() {
  State& s = *state_;
  while (s.inside) (void)TRY(next_block());
  archive_entry* entry = nullptr;
  s.step_bytes = 0;
  int status = archive_read_next_header(s.reader, &entry);
  if (status == ARCHIVE_EOF) {
    // libarchive accepts a stream that stops between two members as complete. The end marker is at least one block of
    // zeros.
    bool marked =
        s.end == End::any || archive_filter_bytes(s.reader, 0) - s.members_end >= static_cast<std::int64_t>(kTarBlock);
    if (auto reason = s.broken_off(); reason && !marked) return fail(ErrorCode::busy, *reason);
    if (!marked) return fail(ErrorCode::corrupt, "archive ends without its end marker: the stream was cut short");
    TRY(s.drain());
    return std::nullopt;
  }
  // Warnings are about names that are not text in this locale. The bytes are kept unchanged, as they should be.
  if (status != ARCHIVE_OK && status != ARCHIVE_WARN) return s.failure();
  s.read_to = 0;
  s.inside = true;
  auto out = TRY(convert(entry));
  // What is not a file has no content, so this reads nothing of an honest archive.
  while (s.inside && out.kind != EntryKind::file) (void)TRY(next_block());
  return std::optional(std::move(out));
}

Result<std::optional<TarBlock>> TarReader::next_block() {
  State& s = *state_;
  if (!s.inside) return std::nullopt;
  for (;;) {
    const void* data = nullptr;
    std::size_t size = 0;
    s.step_bytes = 0;
    la_int64_t offset = 0;
    int status = archive_read_data_block(s.reader, &data, &size, &offset);
    if (status == ARCHIVE_EOF) {
      s.inside = false;
      if (archive_read_data_skip(s.reader) < ARCHIVE_WARN) return s.failure();
      s.members_end = archive_filter_bytes(s.reader, 0);
      return std::nullopt;
    }
    if (status != ARCHIVE_OK && status != ARCHIVE_WARN) return s.failure();
    if (size == 0) continue;
    if (offset < 0 || static_cast<std::uint64_t>(offset) < s.read_to ||
        static_cast<std::uint64_t>(offset) > UINT64_MAX / 2)
      return fail(ErrorCode::corrupt, "archive is damaged: a sparse file's pieces overlap");
    s.read_to = static_cast<std::uint64_t>(offset) + size;
    return TarBlock{{static_cast<const char*>(data), size}, static_cast<std::uint64_t>(offset)};
  }
}

}  // namespace banger::tar

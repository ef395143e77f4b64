#include "image/apt/deb.h"

#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <memory>

#include "base/text.h"
#include "host/files.h"
#include "image/bounds.h"
#include "tar/bounds.h"

namespace banger::image {

namespace {

/// Reads exactly `size` bytes; false at an early end.
Result<bool> read_exactly(int fd, char* into, std::size_t size) {
  while (size > 0) {
    ssize_t got = ::read(fd, into, size);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail_errno("read");
    if (got == 0) return false;
    into += got;
    size -= static_cast<std::size_t>(got);
  }
  return true;
}

std::unexpected<Error> not_a_package(std::string_view why) {
  return fail(ErrorCode::corrupt, fmt::format("not a Debian package: {}", why));
}

/// One member of the ar container; its content follows at the descriptor's offset.
struct Member {
  std::string name;
  std::uint64_t size_bytes = 0;
};

/// ar(5): 60 bytes of text, name in the first 16, size in decimal at 48.
Result<Member> read_member(int fd) {
  std::array<char, 60> header;
  if (!TRY(read_exactly(fd, header.data(), header.size()))) return not_a_package("it has no data.tar member");
  std::string_view text(header.data(), header.size());
  if (text.substr(58) != "`\n") return not_a_package("a member's header is damaged");
  Member member{std::string(trim(text.substr(0, 16)))};
  if (member.name.ends_with('/')) member.name.pop_back();
  auto digits = trim(text.substr(48, 10));
  auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), member.size_bytes);
  if (error != std::errc() || end != digits.data() + digits.size())
    return not_a_package("a member's size is not a number");
  return member;
}

Result<> skip(int fd, std::uint64_t size_bytes) {
  char buffer[4096];
  while (size_bytes > 0) {
    auto step = std::min<std::uint64_t>(size_bytes, sizeof buffer);
    if (!TRY(read_exactly(fd, buffer, step))) return not_a_package("it is cut short");
    size_bytes -= step;
  }
  return {};
}

/// Gives libarchive exactly the bytes of one member.
struct Source {
  int fd;
  std::uint64_t left_bytes;
  std::array<char, 1 << 16> buffer;

  static la_ssize_t read(archive* reader, void* self, const void** bytes) {
    auto* source = static_cast<Source*>(self);
    auto want = std::min<std::uint64_t>(source->left_bytes, source->buffer.size());
    ssize_t got;
    do got = ::read(source->fd, source->buffer.data(), want);
    while (got < 0 && errno == EINTR);
    if (got < 0) archive_set_error(reader, errno, "read failed");
    if (got > 0) source->left_bytes -= static_cast<std::uint64_t>(got);
    *bytes = source->buffer.data();
    return got;
  }
};

using Reader = std::unique_ptr<archive, decltype(&archive_read_free)>;

std::unexpected<Error> archive_error(archive* reader) {
  const char* text = archive_error_string(reader);
  return fail(ErrorCode::corrupt,
              fmt::format("damaged package: {}", text ? printable(text) : "its files cannot be read"));
}

Result<> write_entry(archive* reader, const std::string& path, std::uint64_t& budget_bytes) {
  auto file = TRY(host::open_file(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0644));
  const void* bytes;
  std::size_t size;
  la_int64_t offset;
  for (;;) {
    int status = archive_read_data_block(reader, &bytes, &size, &offset);
    if (status == ARCHIVE_EOF) return {};
    if (status < ARCHIVE_WARN) return archive_error(reader);
    if (size > budget_bytes)
      return fail(ErrorCode::exhausted,
                  fmt::format("the package unpacks to more than {}", format_size(limits::kPackageBytes)));
    budget_bytes -= size;
    // Only sparse entries have gaps between blocks. Kernels and modules are not sparse, so a plain append is right.
    TRY(in(path, host::write_all(file.get(), {static_cast<const char*>(bytes), size})));
  }
}

Result<> extract_tar(Source& source, const std::string& directory, const DebFilter& filter) {
  Reader reader(archive_read_new(), archive_read_free);
  if (!reader) return fail(ErrorCode::exhausted, "no memory to read the package");
  archive_read_support_format_tar(reader.get());
  archive_read_support_filter_xz(reader.get());
  archive_read_support_filter_zstd(reader.get());
  archive_read_support_filter_gzip(reader.get());
  if (archive_read_open(reader.get(), &source, nullptr, Source::read, nullptr) != ARCHIVE_OK)
    return archive_error(reader.get());
  std::uint64_t budget_bytes = limits::kPackageBytes;
  for (std::size_t entries = 0;; ++entries) {
    archive_entry* entry;
    int status = archive_read_next_header(reader.get(), &entry);
    if (status == ARCHIVE_EOF) return skip(source.fd, source.left_bytes);  // libarchive does not notice a missing end
    if (status < ARCHIVE_WARN) return archive_error(reader.get());
    if (entries > limits::kArchiveEntries) return fail(ErrorCode::exhausted, "the package has too many files");
    const char* name = archive_entry_pathname(entry);
    if (!name || archive_entry_filetype(entry) != AE_IFREG || archive_entry_hardlink(entry)) continue;
    std::string_view path = name;
    while (path.starts_with("./")) path.remove_prefix(2);
    auto wanted = filter(path);
    if (!wanted) continue;
    if (wanted->empty() || *wanted == "." || *wanted == ".." || wanted->find('/') != wanted->npos)
      return fail(ErrorCode::invalid, fmt::format("refused file name '{}' in the package", printable(*wanted)));
    TRY(write_entry(reader.get(), directory + "/" + *wanted, budget_bytes));
  }
}

}  // namespace

Result<> extract_deb(int deb_fd, const std::string& directory, const DebFilter& filter) {
  std::array<char, 8> magic;
  if (!TRY(read_exactly(deb_fd, magic.data(), magic.size())) ||
      std::string_view(magic.data(), magic.size()) != "!<arch>\n")
    return not_a_package("it does not start with the header of a package");
  for (;;) {
    auto member = TRY(read_member(deb_fd));
    if (member.name.starts_with("data.tar")) {
      auto source = std::make_unique<Source>(Source{deb_fd, member.size_bytes, {}});
      return extract_tar(*source, directory, filter);
    }
    TRY(skip(deb_fd, member.size_bytes + member.size_bytes % 2));  // members start at even offsets
  }
}

}  // namespace banger::image

#include "machine/guest_memory.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <memory>
#include <optional>
#include <vector>

#include "base/text.h"
#include "host/files.h"
#include "machine/bounds.h"

namespace banger::machine {

namespace {

constexpr std::uint64_t kPage = 4096;

// Bits of a pagemap entry (Documentation/admin-guide/mm/pagemap.rst).
constexpr std::uint64_t kPresent = 1ull << 63, kSwapped = 1ull << 62, kOfFile = 1ull << 61;

struct MapsLine {
  std::uint64_t start = 0, end = 0, inode = 0;
  std::string_view permissions, device;
};

std::uint64_t hex(std::string_view text) {
  std::uint64_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value, 16);
  return value;
}

// "7fa7dffff000-7fa7fffff000 rw-p 00000000 fe:01 131 /path"
std::optional<MapsLine> parse_line(std::string_view line) {
  std::vector<std::string_view> fields;
  for (auto word : split(line, ' '))
    if (!word.empty() && fields.size() < 5) fields.push_back(word);
  if (fields.size() < 5) return std::nullopt;
  auto dash = fields[0].find('-');
  if (dash == fields[0].npos) return std::nullopt;
  MapsLine parsed{hex(fields[0].substr(0, dash)), hex(fields[0].substr(dash + 1)), 0, fields[1], fields[3]};
  std::from_chars(fields[4].data(), fields[4].data() + fields[4].size(), parsed.inode);
  return parsed;
}

bool maps_file(const MapsLine& line, const struct stat& file) {
  auto colon = line.device.find(':');
  if (line.inode != file.st_ino || colon == line.device.npos) return false;
  // Btrfs reports another device here than in stat(2). The inode and the exact size then decide.
  return line.end - line.start == static_cast<std::uint64_t>(file.st_size);
}

Error denied(pid_t pid, Error error) {
  if (error.code != ErrorCode::denied) return error;
  return std::move(error)
      .in(fmt::format("read the memory of process {}", pid))
      .with_hint("kernel.yama.ptrace_scope may forbid it; VMs that are started again can be saved");
}

bool all_zero(const char* bytes, std::size_t count) {
  return bytes[0] == 0 && std::memcmp(bytes, bytes + 1, count - 1) == 0;
}

// Copies runs of pages from the memory of a process into a file.
class PageCopy {
 public:
  PageCopy(const GuestMemory& from, bool skip_zeros, UniqueFd memory, UniqueFd to)
      : from_(from),
        skip_zeros_(skip_zeros),
        memory_(std::move(memory)),
        to_(std::move(to)),
        buffer_(limits::kMemoryPieceBytes) {}

  Result<> copy(std::uint64_t offset, std::uint64_t size) {
    for (std::uint64_t done = 0; done < size;) {
      auto count = std::min(size - done, limits::kMemoryPieceBytes);
      TRY(read_memory(memory_, from_, offset + done, buffer_.data(), count));
      TRY(skip_zeros_ ? write_used(offset + done, count) : write(offset + done, 0, count));
      done += count;
    }
    return {};
  }
  std::uint64_t written() const { return written_; }

 private:
  Result<> write(std::uint64_t offset, std::uint64_t from, std::uint64_t count) {
    for (std::uint64_t put = 0; put < count;) {
      ssize_t n = ::pwrite(to_.get(), buffer_.data() + from + put, count - put, static_cast<off_t>(offset + put));
      if (n <= 0) return fail_errno("write the guest's memory", n < 0 ? errno : EIO);
      put += static_cast<std::uint64_t>(n);
    }
    written_ += count;
    return {};
  }
  Result<> write_used(std::uint64_t offset, std::uint64_t count) {
    for (std::uint64_t at = 0; at < count;) {
      if (all_zero(buffer_.data() + at, kPage)) {
        at += kPage;
        continue;
      }
      auto end = at;
      while (end < count && !all_zero(buffer_.data() + end, kPage)) end += kPage;
      TRY(write(offset + at, at, end - at));
      at = end;
    }
    return {};
  }

  const GuestMemory& from_;
  bool skip_zeros_;
  UniqueFd memory_, to_;
  std::vector<char> buffer_;
  std::uint64_t written_ = 0;
};

Result<> read_pagemap(int pagemap, std::uint64_t first_page, std::vector<std::uint64_t>& entries) {
  auto* bytes = reinterpret_cast<char*>(entries.data());
  std::size_t wanted = entries.size() * sizeof(std::uint64_t);
  for (std::size_t got = 0; got < wanted;) {
    ssize_t n =
        ::pread(pagemap, bytes + got, wanted - got, static_cast<off_t>(first_page * sizeof(std::uint64_t) + got));
    if (n <= 0) return fail_errno("read pagemap", n < 0 ? errno : EIO);
    got += static_cast<std::size_t>(n);
  }
  return {};
}

bool is_own(std::uint64_t entry) { return (entry & (kPresent | kSwapped)) && !(entry & kOfFile); }

Result<> visit_runs(const std::vector<std::uint64_t>& entries, std::uint64_t first_offset, const OnOwnPages& visit) {
  for (std::size_t at = 0; at < entries.size();) {
    auto begin = at;
    while (at < entries.size() && is_own(entries[at])) ++at;
    if (at > begin) TRY(visit(first_offset + begin * kPage, (at - begin) * kPage));
    if (at == begin) ++at;
  }
  return {};
}

}  // namespace

Result<GuestMemory> find_guest_memory(pid_t pid, const std::string& memory_file, std::uint64_t size_bytes) {
  auto maps = host::read_file(fmt::format("/proc/{}/maps", pid), limits::kMapsFileBytes);
  if (!maps) return std::unexpected(denied(pid, std::move(maps.error())));
  struct stat file{};
  if (!memory_file.empty() && ::stat(memory_file.c_str(), &file) < 0) return fail_errno(memory_file);
  std::optional<GuestMemory> memory;
  for (auto text : split(*maps, '\n')) {
    auto line = parse_line(text);
    if (!line || line->end - line->start != size_bytes || !line->permissions.starts_with("rw-")) continue;
    bool found = memory_file.empty() ? line->inode == 0 : maps_file(*line, file);
    if (!found) continue;
    if (memory)
      return fail(ErrorCode::unsupported,
                  fmt::format("process {} has two mappings that could be the guest's memory", pid));
    memory = GuestMemory{pid, line->start, size_bytes, line->permissions.ends_with('s')};
  }
  if (memory) return *memory;
  return fail(ErrorCode::not_found, fmt::format("process {} has no guest memory of {}", pid, format_size(size_bytes)));
}

Result<UniqueFd> open_memory(const GuestMemory& memory, int flags) {
  auto bytes = host::open_file(fmt::format("/proc/{}/mem", memory.pid), flags);
  if (!bytes) return std::unexpected(denied(memory.pid, std::move(bytes.error())));
  return bytes;
}

Result<> read_memory(const UniqueFd& from, const GuestMemory& memory, std::uint64_t offset, char* bytes,
                     std::uint64_t count) {
  for (std::uint64_t got = 0; got < count;) {
    ssize_t n = ::pread(from.get(), bytes + got, count - got, static_cast<off_t>(memory.address + offset + got));
    if (n <= 0) return fail_errno("read the guest's memory", n < 0 ? errno : EIO);
    got += static_cast<std::uint64_t>(n);
  }
  return {};
}

Result<> for_own_pages(const GuestMemory& memory, const OnOwnPages& visit) {
  if (memory.shared) return {};
  auto pagemap = host::open_file(fmt::format("/proc/{}/pagemap", memory.pid), O_RDONLY);
  if (!pagemap) return std::unexpected(denied(memory.pid, std::move(pagemap.error())));
  std::vector<std::uint64_t> entries;
  for (std::uint64_t offset = 0; offset < memory.size_bytes; offset += entries.size() * kPage) {
    entries.resize(std::min<std::uint64_t>(limits::kPagemapEntries, (memory.size_bytes - offset) / kPage));
    TRY(read_pagemap(pagemap->get(), (memory.address + offset) / kPage, entries));
    TRY(visit_runs(entries, offset, visit));
  }
  return {};
}

Result<std::uint64_t> write_own_pages(const GuestMemory& memory, const std::string& to) {
  if (memory.shared) return 0;
  auto bytes = TRY(open_memory(memory, O_RDONLY));
  auto file = TRY(host::open_file(to, O_WRONLY | O_CREAT | O_NOFOLLOW, 0600));
  struct stat info{};
  if (::fstat(file.get(), &info) < 0) return fail_errno(to);
  // A new file has only holes, which read as zeros. An existing file has old content in its pages.
  bool fresh = info.st_size == 0;
  if (::ftruncate(file.get(), static_cast<off_t>(memory.size_bytes)) < 0) return fail_errno(to);
  PageCopy copy(memory, fresh, std::move(bytes), std::move(file));
  TRY(for_own_pages(memory, [&](std::uint64_t offset, std::uint64_t size) { return in(to, copy.copy(offset, size)); }));
  return copy.written();
}

}  // namespace banger::machine

#include "ext4/data.h"

#include <sys/types.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace banger::ext4 {

namespace {

constexpr std::size_t kBufferBytes = 2 << 20;    // far above the cost of a system call, still in cache
constexpr std::size_t kDirectBytes = 128 << 10;  // copying more than this costs more than another system call
constexpr std::uint32_t kMaxExtentBlocks = 32768;
constexpr std::uint64_t kMaxFileBlocks = UINT32_MAX;  // ee_block is 32 bits

Result<> write_at(int fd, std::uint64_t offset, std::string_view bytes) {
  while (!bytes.empty()) {
    ssize_t put = ::pwrite(fd, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) return fail_errno("write image");
    offset += static_cast<std::uint64_t>(put);
    bytes.remove_prefix(static_cast<std::size_t>(put));
  }
  return {};
}

/// Takes the next run of up to `want` blocks and adds it to `extents`.
Result<Extent> allocate_run(BlockCursor& cursor, std::vector<Extent>& extents, std::uint64_t logical,
                            std::uint64_t want) {
  if (logical + want > kMaxFileBlocks) return fail(ErrorCode::invalid, "a file is larger than ext4's 16 TiB");
  Extent* last = extents.empty() ? nullptr : &extents.back();
  bool grows = last && last->count < kMaxExtentBlocks && last->logical + std::uint64_t{last->count} == logical;
  auto run = TRY(cursor.take(std::min<std::uint64_t>(want, kMaxExtentBlocks - (grows ? last->count : 0))));
  Extent piece{static_cast<std::uint32_t>(logical), static_cast<std::uint32_t>(run.count), run.start};
  if (grows && last->physical + last->count == run.start)
    last->count += piece.count;
  else
    extents.push_back(piece);
  return piece;
}

}  // namespace

BlockWriter::BlockWriter(int fd) : fd_(fd), buffer_(kBufferBytes, '\0') {}

Result<> BlockWriter::flush() {
  std::size_t size = std::exchange(filled_, 0);
  return write_at(fd_, start_ * kBlockBytes, std::string_view(buffer_).substr(0, size));
}

Result<> BlockWriter::put(std::uint64_t physical, std::string_view bytes) {
  if (filled_ > 0 && physical != start_ + filled_ / kBlockBytes) TRY(flush());
  if (filled_ == 0) start_ = physical;
  if (bytes.size() >= kDirectBytes && bytes.size() % kBlockBytes == 0) {
    TRY(flush());
    return write_at(fd_, physical * kBlockBytes, bytes);
  }
  while (!bytes.empty()) {
    std::size_t room = kBufferBytes - filled_, now = std::min(room, bytes.size());
    std::memcpy(buffer_.data() + filled_, bytes.data(), now);
    bytes.remove_prefix(now);
    filled_ += now;
    if (std::size_t loose = filled_ % kBlockBytes) {
      std::memset(buffer_.data() + filled_, 0, kBlockBytes - loose);
      filled_ += kBlockBytes - loose;
    }
    if (filled_ == kBufferBytes) {
      std::uint64_t after = start_ + kBufferBytes / kBlockBytes;
      TRY(flush());
      start_ = after;
    }
  }
  return {};
}

Result<> allocate(BlockCursor& cursor, std::vector<Extent>& extents, std::uint64_t logical, std::uint64_t count) {
  while (count > 0) {
    Extent piece = TRY(allocate_run(cursor, extents, logical, count));
    logical += piece.count;
    count -= piece.count;
  }
  return {};
}

Result<> ContentWriter::whole_blocks(std::vector<Extent>& extents, std::uint64_t logical, std::string_view bytes) {
  while (!bytes.empty()) {
    std::uint64_t want = std::min<std::uint64_t>((bytes.size() + kBlockBytes - 1) / kBlockBytes, kMaxExtentBlocks);
    Extent piece = TRY(allocate_run(cursor_, extents, logical, want));
    std::size_t size = std::min<std::size_t>(bytes.size(), std::size_t{piece.count} * kBlockBytes);
    TRY(writer_.put(piece.physical, bytes.substr(0, size)));
    bytes.remove_prefix(size);
    logical += piece.count;
  }
  return {};
}

Result<> ContentWriter::write(std::vector<Extent>& extents, std::uint64_t offset, std::string_view bytes) {
  while (!bytes.empty()) {
    std::uint64_t logical = offset / kBlockBytes;
    std::size_t inside = offset % kBlockBytes;
    if (!partial_.empty() && partial_block_ != logical) TRY(end(extents));
    if (partial_.empty() && inside == 0 && bytes.size() >= kBlockBytes) {
      std::size_t whole = bytes.size() / kBlockBytes * kBlockBytes;
      TRY(whole_blocks(extents, logical, bytes.substr(0, whole)));
      bytes.remove_prefix(whole);
      offset += whole;
      continue;
    }
    std::size_t now = std::min<std::size_t>(bytes.size(), kBlockBytes - inside);
    partial_.resize(inside, '\0');
    partial_.append(bytes.substr(0, now));
    partial_block_ = logical;
    bytes.remove_prefix(now);
    offset += now;
    if (partial_.size() == kBlockBytes) TRY(end(extents));
  }
  return {};
}

Result<> ContentWriter::end(std::vector<Extent>& extents) {
  if (partial_.empty()) return {};
  std::string block;
  block.swap(partial_);
  auto written = whole_blocks(extents, partial_block_, block);
  block.clear();
  partial_.swap(block);  // keeps its capacity
  return written;
}

}  // namespace banger::ext4

#include "ext4/build.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/bounds.h"
#include "base/text.h"
#include "ext4/bounds.h"
#include "ext4/format.h"
#include "host/files.h"

namespace banger::ext4 {

namespace {

constexpr std::size_t kLabelBytes = 16;
constexpr std::size_t kFastSymlinkBytes = 59;  // a target of up to this length is stored in the inode

std::uint64_t limit_blocks(const Ext4Options& options) {
  return (options.size_bytes ? options.size_bytes : limits::kMaxDiskBytes) / kBlockBytes;
}

Result<> check(const Ext4Options& options) {
  if (options.label.size() > kLabelBytes)
    return fail(ErrorCode::invalid,
                fmt::format("file system label '{}' is longer than {} bytes", printable(options.label), kLabelBytes));
  auto largest = std::max({options.size_bytes, options.spare_bytes, options.least_bytes});
  if (largest > limits::kMaxDiskBytes)
    return fail(ErrorCode::invalid, fmt::format("a file system of {} is over the limit of {}", format_size(largest),
                                                format_size(limits::kMaxDiskBytes)));
  if (options.size_bytes > 0 && options.size_bytes < limits::kMinFileSystemBytes)
    return fail(ErrorCode::invalid, fmt::format("a file system of {} is too small", format_size(options.size_bytes)),
                fmt::format("use at least {}", format_size(limits::kMinFileSystemBytes)));
  return {};
}

}  // namespace

Build::Build(std::string path, UniqueFd fd, const Ext4Options& options, Symlinks symlinks)
    : path_(std::move(path)),
      fd_(std::move(fd)),
      options_(options),
      cursor_(descriptor_blocks_for(options), limit_blocks(options)),
      content_(fd_.get(), cursor_),
      tree_(make_directory(0755, {options.timestamp, 0}), symlinks) {}

Result<std::unique_ptr<Build>> Build::create(const std::string& path, const Ext4Options& options, Symlinks symlinks) {
  TRY(check(options));
  auto fd = TRY(host::open_file(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, 0600));
  return std::unique_ptr<Build>(new Build(path, std::move(fd), options, symlinks));
}

Build::~Build() {
  if (!finished_) ::unlink(path_.c_str());
}

Result<> Build::check_stop() const {
  if (!options_.stop || !options_.stop->load(std::memory_order_relaxed)) return {};
  return fail(ErrorCode::cancelled, "cancelled");
}

Result<> Build::write(NodeId file, std::uint64_t offset, std::string_view bytes, const Progress& progress) {
  TRY(check_stop());
  content_bytes_ += bytes.size();
  if (content_bytes_ > content_limit_)
    return fail(ErrorCode::exhausted,
                fmt::format("the content is over the limit of {} for one file system", format_size(content_limit_)));
  TRY(content_.write(tree_[file].extents, offset, bytes));
  if (content_bytes_ - reported_bytes_ < limits::kWriteProgressBytes) return {};
  reported_bytes_ = content_bytes_;
  if (progress) progress(content_bytes_);
  return options_.room ? options_.room() : Result<>();
}

Result<> Build::store_target(NodeId symlink) {
  Node& node = tree_[symlink];
  node.size = node.target.size();
  if (node.target.size() <= kFastSymlinkBytes) return {};
  TRY(content_.write(node.extents, 0, node.target));
  return content_.end(node.extents);
}

Result<> Build::punch_freed() {
  auto freed = tree_.take_freed();
  if (freed.empty()) return {};
  TRY(content_.flush());
  std::ranges::sort(freed, {}, &Extent::physical);
  for (std::size_t i = 0; i < freed.size();) {
    std::uint64_t start = freed[i].physical, end = start;
    for (; i < freed.size() && freed[i].physical == end; ++i) end += freed[i].count;
    auto [offset, bytes] =
        std::pair{static_cast<off_t>(start * kBlockBytes), static_cast<off_t>((end - start) * kBlockBytes)};
    if (::fallocate(fd_.get(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, offset, bytes) == 0) continue;
    if (errno == EOPNOTSUPP) return {};  // the image is right, only larger on the disk
    return fail_errno("free blocks of the image");
  }
  return {};
}

Result<Ext4Stats> Build::finish(NodeId lost_and_found) {
  TRY(content_.flush());
  TRY(punch_freed());
  TRY(lay_out(tree_, cursor_, lost_and_found));
  Ext4Stats stats{.entries = tree_.name_count(), .content_bytes = content_bytes_};
  stats.size_bytes = TRY(format(fd_.get(), tree_, cursor_, options_));
  finished_ = true;
  return stats;
}

}  // namespace banger::ext4

#include "ext4/image_reader.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "base/text.h"
#include "ext4/layout.h"
#include "tar/bounds.h"
#include "tar/path.h"

namespace banger::ext4 {

namespace {

constexpr std::uint64_t kPieceBlocks = 256;

Time time_from(std::uint32_t seconds, std::uint32_t extra) {
  return {static_cast<std::int64_t>(static_cast<std::int32_t>(seconds)) + (static_cast<std::int64_t>(extra & 3) << 32),
          std::min(extra >> 2, 999'999'999u)};
}

}  // namespace

std::unexpected<Error> damaged(std::string_view why) {
  return fail(ErrorCode::corrupt, fmt::format("the image is damaged: {}", why));
}

Result<ImageReader> ImageReader::open(const std::string& path) {
  auto image = TRY(open_image(path));
  if (image.fs->blocksize != kBlockBytes || image.fs->super->s_inode_size != kInodeBytes ||
      !ext2fs_has_feature_extents(image.fs->super))
    return fail(ErrorCode::unsupported, fmt::format("{} does not have the layout of banger's images", path),
                "import it as a tar file");
  return ImageReader(std::move(image));
}

Result<std::vector<ImageReader::Name>> ImageReader::names_in(Inode directory) const {
  std::vector<Name> names;
  auto collect = [](ext2_dir_entry* entry, int, int, char*, void* into) {
    std::string_view name(entry->name, static_cast<std::size_t>(ext2fs_dirent_name_len(entry)));
    if (entry->inode != 0 && name != "." && name != "..")
      static_cast<std::vector<Name>*>(into)->push_back({std::string(name), entry->inode});
    return static_cast<std::vector<Name>*>(into)->size() > limits::kArchiveEntries ? DIRENT_ABORT : 0;
  };
  if (errcode_t code = ext2fs_dir_iterate(fs(), directory, 0, nullptr, collect, &names))
    return fail_ext2("read a directory", code);
  std::ranges::sort(names, {}, &Name::text);
  for (std::size_t i = 0; i < names.size(); ++i) {
    auto parts = tar::split_member(names[i].text, tar::AbsoluteNames::refuse);
    if (!parts || parts->size() != 1 || names[i].text.find('/') != std::string::npos)
      return damaged("an impossible name");
    if (i > 0 && names[i].text == names[i - 1].text) return damaged("a name that occurs twice");
  }
  return names;
}

Result<Node> ImageReader::read_node(Inode number) const {
  alignas(ext2_inode_large) std::byte bytes[kInodeBytes] = {};
  auto& inode = *reinterpret_cast<ext2_inode_large*>(bytes);
  if (errcode_t code = ext2fs_read_inode_full(fs(), number, reinterpret_cast<ext2_inode*>(bytes), sizeof bytes))
    return fail_ext2("read an inode", code);
  if (inode.i_links_count == 0 || (inode.i_flags & (EXT4_INLINE_DATA_FL | EXT4_ENCRYPT_FL)))
    return damaged("a name of an inode that is free or not plain");
  Node node;
  node.mode = inode.i_mode;
  if (!S_ISDIR(inode.i_mode)) node.names = inode.i_links_count;
  node.uid = inode_uid(inode);
  node.gid = inode_gid(inode);
  bool wide = inode.i_extra_isize >= kInodeExtraBytes;
  node.mtime = time_from(inode.i_mtime, wide ? inode.i_mtime_extra : 0);
  node.atime = time_from(inode.i_atime, wide ? inode.i_atime_extra : 0);
  node.xattrs = TRY(read_xattrs(number, inode, bytes));
  TRY(arrange_xattrs(node.xattrs, fmt::format("inode {}", number)));
  TRY(read_kind(number, inode, node));
  return node;
}

Result<> ImageReader::read_kind(Inode number, ext2_inode_large& inode, Node& node) const {
  switch (inode.i_mode & S_IFMT) {
    case S_IFDIR:
      node.children = std::make_unique<Names>();
      return {};
    case S_IFREG:
      node.size = EXT2_I_SIZE(&inode);
      return {};
    case S_IFLNK:
      return read_target(number, inode, node);
    case S_IFIFO:
      return {};
    case S_IFCHR:
    case S_IFBLK: {
      std::uint32_t old = inode.i_block[0], wide = inode.i_block[1];
      node.device_major = old ? (old >> 8 & 0xff) : (wide >> 8 & 0xfff);
      node.device_minor = old ? (old & 0xff) : ((wide & 0xff) | (wide >> 12 & 0xfff00));
      return {};
    }
    default:
      return damaged("an inode of an unknown kind");
  }
}

Result<> ImageReader::read_target(Inode number, ext2_inode_large& inode, Node& node) const {
  std::uint64_t size = EXT2_I_SIZE(&inode);
  if (size == 0 || size >= kBlockBytes) return damaged("a symlink of impossible length");
  if (size < sizeof inode.i_block && !(inode.i_flags & EXT4_EXTENTS_FL)) {
    node.target.assign(reinterpret_cast<const char*>(inode.i_block), size);
    return {};
  }
  blk64_t block = 0;
  if (errcode_t code =
          ext2fs_bmap2(fs(), number, reinterpret_cast<ext2_inode*>(&inode), nullptr, 0, 0, nullptr, &block))
    return fail_ext2("read a symlink", code);
  node.target.resize(kBlockBytes);
  TRY(read_blocks(block, node.target));
  node.target.resize(size);
  return {};
}

Result<> ImageReader::read_blocks(std::uint64_t block, std::span<char> into) const {
  if (block == 0 || block >= ext2fs_blocks_count(fs()->super)) return damaged("a block outside the image");
  ssize_t got = ::pread(image_.fd.get(), into.data(), into.size(), static_cast<off_t>(block * kBlockBytes));
  if (got < 0) return fail_errno("read the image");
  if (static_cast<std::size_t>(got) != into.size()) return damaged("it is cut short");
  return {};
}

Result<std::vector<Xattr>> ImageReader::read_xattrs(Inode number, ext2_inode_large& inode,
                                                    std::span<const std::byte> bytes) const {
  std::string block;
  if (blk64_t at = ext2fs_file_acl_block(fs(), reinterpret_cast<ext2_inode*>(&inode))) {
    block.resize(kBlockBytes);
    if (at >= ext2fs_blocks_count(fs()->super)) return damaged("attributes outside the image");
    if (errcode_t code = ext2fs_read_ext_attr3(fs(), at, block.data(), number))
      return fail_ext2("read attributes", code);
  }
  std::size_t tail = std::min<std::size_t>(128 + inode.i_extra_isize, bytes.size());
  return decode_xattrs(bytes.subspan(tail), std::as_bytes(std::span(block)));
}

Result<std::vector<ImageReader::Run>> ImageReader::runs_of(Inode number, std::uint64_t size) const {
  std::vector<Run> runs;
  if (size == 0) return runs;
  ext2_extent_handle_t raw = nullptr;
  if (errcode_t code = ext2fs_extent_open(fs(), number, &raw)) return fail_ext2("read a file's extents", code);
  std::unique_ptr<struct ext2_extent_handle, void (*)(ext2_extent_handle_t)> handle(raw, ext2fs_extent_free);
  ext2fs_extent extent{};
  std::uint64_t done = 0, end = (size + kBlockBytes - 1) / kBlockBytes;
  for (errcode_t code = ext2fs_extent_get(raw, EXT2_EXTENT_ROOT, &extent);;
       code = ext2fs_extent_get(raw, EXT2_EXTENT_NEXT, &extent)) {
    if (code == EXT2_ET_EXTENT_NO_NEXT || code == EXT2_ET_NO_CURRENT_NODE) return runs;
    if (code) return fail_ext2("read a file's extents", code);
    if (!(extent.e_flags & EXT2_EXTENT_FLAGS_LEAF) ||
        (extent.e_flags & (EXT2_EXTENT_FLAGS_UNINIT | EXT2_EXTENT_FLAGS_SECOND_VISIT)))
      continue;
    if (extent.e_lblk < done) return damaged("extents that overlap");
    done = extent.e_lblk + extent.e_len;
    if (extent.e_lblk < end)
      runs.push_back({extent.e_lblk, extent.e_pblk, std::min<std::uint64_t>(extent.e_len, end - extent.e_lblk)});
  }
}

Result<std::vector<tar::Extent>> ImageReader::data_of(Inode number, std::uint64_t size) const {
  std::vector<tar::Extent> data;
  for (const auto& run : TRY(runs_of(number, size))) {
    std::uint64_t from = run.logical * kBlockBytes, to = std::min((run.logical + run.blocks) * kBlockBytes, size);
    if (!data.empty() && data.back().offset + data.back().size == from)
      data.back().size += to - from;
    else
      data.push_back({from, to - from});
  }
  return data;
}

Result<> ImageReader::read_data(Inode number, std::uint64_t size, const Take& take) const {
  std::string buffer;
  for (const auto& run : TRY(runs_of(number, size))) {
    for (std::uint64_t at = 0; at < run.blocks; at += kPieceBlocks) {
      std::uint64_t offset = (run.logical + at) * kBlockBytes;
      buffer.resize(std::min(run.blocks - at, kPieceBlocks) * kBlockBytes);
      TRY(read_blocks(run.physical + at, buffer));
      TRY(take(offset, std::string_view(buffer).substr(0, std::min<std::uint64_t>(buffer.size(), size - offset))));
    }
  }
  return {};
}

Result<> ImageReader::read_range(std::span<const Run> runs, std::uint64_t offset, std::span<char> into) const {
  std::ranges::fill(into, '\0');
  std::uint64_t first = offset / kBlockBytes, end = first + (into.size() + kBlockBytes - 1) / kBlockBytes;
  auto ends_before = [](const Run& run, std::uint64_t block) { return run.logical + run.blocks <= block; };
  for (auto run = std::ranges::lower_bound(runs, true, {}, [&](const Run& one) { return !ends_before(one, first); });
       run != runs.end() && run->logical < end; ++run) {
    std::uint64_t from = std::max(run->logical, first), to = std::min(run->logical + run->blocks, end);
    auto at = (from - first) * kBlockBytes;
    TRY(read_blocks(run->physical + (from - run->logical),
                    into.subspan(at, std::min<std::uint64_t>((to - from) * kBlockBytes, into.size() - at))));
  }
  return {};
}

}  // namespace banger::ext4

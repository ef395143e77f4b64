// A subtree of one image as an image of its own. The source is read through libext2fs. It may be damaged and is not
// trusted.
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <map>

#include "base/text.h"
#include "ext4/build.h"
#include "ext4/ext4.h"
#include "ext4/io.h"
#include "tar/bounds.h"
#include "tar/path.h"

namespace banger::ext4 {

namespace {

using ext4::Build;
using ext4::fail_ext2;
using ext4::kBlockBytes;
using ext4::Node;
using ext4::NodeId;

std::unexpected<Error> damaged(std::string_view why) {
  return fail(ErrorCode::corrupt, fmt::format("the image is damaged: {}", why));
}

struct Name {
  std::string text;
  ext2_ino_t inode;
};

ext4::Time time_from(std::uint32_t seconds, std::uint32_t extra) {
  return {static_cast<std::int64_t>(static_cast<std::int32_t>(seconds)) + (static_cast<std::int64_t>(extra & 3) << 32),
          std::min(extra >> 2, 999'999'999u)};
}

/// Copies inode by inode. Records which node a hard-linked inode became and which directories were entered.
class Extractor {
 public:
  Extractor(ext4::ReadOnlyImage& image, Build& build) : fs_(image.fs.get()), fd_(image.fd.get()), build_(build) {}

  Result<> copy_root(ext2_ino_t directory) {
    Node node = TRY(read_node(directory));
    if (!node.is_directory()) return fail(ErrorCode::not_found, "it is not a directory");
    node.children = std::make_unique<ext4::Names>();
    build_.tree()[ext4::kRoot] = std::move(node);
    copied_[directory] = ext4::kRoot;
    pending_.push_back({directory, ext4::kRoot});
    while (!pending_.empty()) {
      auto [from, to] = pending_.back();
      pending_.pop_back();
      for (const Name& name : TRY(names_in(from))) TRY(in(printable(name.text), copy_child(name, to)));
    }
    return {};
  }

 private:
  Result<std::vector<Name>> names_in(ext2_ino_t directory) {
    std::vector<Name> names;
    auto collect = [](ext2_dir_entry* entry, int, int, char*, void* into) {
      std::string_view name(entry->name, static_cast<std::size_t>(ext2fs_dirent_name_len(entry)));
      if (entry->inode != 0 && name != "." && name != "..")
        static_cast<std::vector<Name>*>(into)->push_back({std::string(name), entry->inode});
      return static_cast<std::vector<Name>*>(into)->size() > limits::kArchiveEntries ? DIRENT_ABORT : 0;
    };
    if (errcode_t code = ext2fs_dir_iterate(fs_, directory, 0, nullptr, collect, &names))
      return fail_ext2("read a directory", code);
    std::ranges::sort(names, {}, &Name::text);
    return names;
  }

  Result<> copy_child(const Name& name, NodeId directory) {
    if (TRY(tar::split_member(name.text, tar::AbsoluteNames::refuse)).size() != 1 ||
        name.text.find('/') != name.text.npos)
      return damaged("an impossible name");
    if (build_.tree()[directory].children->contains(name.text)) return damaged("a name that occurs twice");
    auto seen = copied_.find(name.inode);
    if (seen != copied_.end()) {
      if (build_.tree()[seen->second].is_directory()) return damaged("a directory with two names");
      return build_.tree().add_name(directory, name.text, seen->second);
    }
    Node node = TRY(read_node(name.inode));
    auto mode = node.mode;
    NodeId id = TRY(build_.tree().add_child(directory, name.text, std::move(node)));
    copied_[name.inode] = id;
    if (S_ISDIR(mode)) pending_.push_back({name.inode, id});
    if (S_ISLNK(mode)) return build_.store_target(id);
    if (S_ISREG(mode)) return copy_content(name.inode, id);
    return {};
  }

  Result<Node> read_node(ext2_ino_t number) {
    alignas(ext2_inode_large) std::byte bytes[ext4::kInodeBytes] = {};
    auto& inode = *reinterpret_cast<ext2_inode_large*>(bytes);
    if (errcode_t code = ext2fs_read_inode_full(fs_, number, reinterpret_cast<ext2_inode*>(bytes), sizeof bytes))
      return fail_ext2("read an inode", code);
    if (inode.i_links_count == 0 || (inode.i_flags & (EXT4_INLINE_DATA_FL | EXT4_ENCRYPT_FL)))
      return damaged("a name of an inode that is free or not plain");
    Node node;
    node.mode = inode.i_mode;
    node.uid = inode_uid(inode);
    node.gid = inode_gid(inode);
    bool wide = inode.i_extra_isize >= ext4::kInodeExtraBytes;
    node.mtime = time_from(inode.i_mtime, wide ? inode.i_mtime_extra : 0);
    node.atime = time_from(inode.i_atime, wide ? inode.i_atime_extra : 0);
    node.xattrs = TRY(read_xattrs(number, inode, bytes));
    TRY(ext4::arrange_xattrs(node.xattrs, fmt::format("inode {}", number)));
    TRY(read_kind(number, inode, node));
    return node;
  }

  Result<> read_kind(ext2_ino_t number, ext2_inode_large& inode, Node& node) {
    switch (inode.i_mode & S_IFMT) {
      case S_IFDIR:
        node.children = std::make_unique<ext4::Names>();
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

  Result<> read_target(ext2_ino_t number, ext2_inode_large& inode, Node& node) {
    std::uint64_t size = EXT2_I_SIZE(&inode);
    if (size == 0 || size >= kBlockBytes) return damaged("a symlink of impossible length");
    if (size < sizeof inode.i_block && !(inode.i_flags & EXT4_EXTENTS_FL)) {
      node.target.assign(reinterpret_cast<const char*>(inode.i_block), size);
      return {};
    }
    blk64_t block = 0;
    if (errcode_t code =
            ext2fs_bmap2(fs_, number, reinterpret_cast<ext2_inode*>(&inode), nullptr, 0, 0, nullptr, &block))
      return fail_ext2("read a symlink", code);
    node.target.resize(kBlockBytes);
    TRY(read_blocks(block, node.target));
    node.target.resize(size);
    return {};
  }

  Result<> read_blocks(std::uint64_t block, std::string& into) {
    if (block == 0 || block >= ext2fs_blocks_count(fs_->super)) return damaged("a block outside the image");
    ssize_t got = ::pread(fd_, into.data(), into.size(), static_cast<off_t>(block * kBlockBytes));
    if (got < 0) return fail_errno("read the image");
    if (static_cast<std::size_t>(got) != into.size()) return damaged("it is cut short");
    return {};
  }

  Result<std::vector<ext4::Xattr>> read_xattrs(ext2_ino_t number, ext2_inode_large& inode,
                                               std::span<const std::byte> bytes) {
    std::string block;
    if (blk64_t at = ext2fs_file_acl_block(fs_, reinterpret_cast<ext2_inode*>(&inode))) {
      block.resize(kBlockBytes);
      if (at >= ext2fs_blocks_count(fs_->super)) return damaged("attributes outside the image");
      if (errcode_t code = ext2fs_read_ext_attr3(fs_, at, block.data(), number))
        return fail_ext2("read attributes", code);
    }
    std::size_t tail = std::min<std::size_t>(128 + inode.i_extra_isize, bytes.size());
    return ext4::decode_xattrs(bytes.subspan(tail), std::as_bytes(std::span(block)));
  }

  Result<> copy_content(ext2_ino_t number, NodeId id) {
    ext2_extent_handle_t raw = nullptr;
    if (build_.tree()[id].size == 0) return {};
    if (errcode_t code = ext2fs_extent_open(fs_, number, &raw)) return fail_ext2("read a file's extents", code);
    std::unique_ptr<struct ext2_extent_handle, void (*)(ext2_extent_handle_t)> handle(raw, ext2fs_extent_free);
    ext2fs_extent extent{};
    std::uint64_t done = 0;
    for (errcode_t code = ext2fs_extent_get(raw, EXT2_EXTENT_ROOT, &extent);;
         code = ext2fs_extent_get(raw, EXT2_EXTENT_NEXT, &extent)) {
      if (code == EXT2_ET_EXTENT_NO_NEXT || code == EXT2_ET_NO_CURRENT_NODE) return build_.end(id);
      if (code) return fail_ext2("read a file's extents", code);
      if (!(extent.e_flags & EXT2_EXTENT_FLAGS_LEAF) ||
          (extent.e_flags & (EXT2_EXTENT_FLAGS_UNINIT | EXT2_EXTENT_FLAGS_SECOND_VISIT)))
        continue;
      if (extent.e_lblk < done) return damaged("extents that overlap");
      done = extent.e_lblk + extent.e_len;
      TRY(copy_extent(extent, id));
    }
  }

  Result<> copy_extent(const ext2fs_extent& extent, NodeId id) {
    std::uint64_t size = build_.tree()[id].size;
    std::string buffer;
    for (std::uint64_t at = 0; at < extent.e_len;) {
      std::uint64_t offset = (extent.e_lblk + at) * kBlockBytes,
                    count = std::min<std::uint64_t>(extent.e_len - at, 256);
      if (offset >= size) return {};
      buffer.resize(count * kBlockBytes);
      TRY(read_blocks(extent.e_pblk + at, buffer));
      TRY(build_.write(id, offset,
                       std::string_view(buffer).substr(0, std::min<std::uint64_t>(buffer.size(), size - offset)), {}));
      at += count;
    }
    return {};
  }

  ext2_filsys fs_;
  int fd_;
  Build& build_;
  std::map<ext2_ino_t, NodeId> copied_;
  std::vector<std::pair<ext2_ino_t, NodeId>> pending_;
};

Result<ext2_ino_t> find_directory(ext2_filsys fs, const std::string& directory) {
  ext2_ino_t at = EXT2_ROOT_INO;
  for (std::string_view part : TRY(tar::split_member(directory, tar::AbsoluteNames::make_relative))) {
    errcode_t code = ext2fs_lookup(fs, at, part.data(), static_cast<int>(part.size()), nullptr, &at);
    if (code == EXT2_ET_FILE_NOT_FOUND || code == EXT2_ET_NO_DIRECTORY)
      return fail(ErrorCode::not_found, "it is not in the image");
    if (code) return fail_ext2("look it up", code);
  }
  return at;
}

}  // namespace

Result<Ext4Stats> extract_subtree(const std::string& image_path, const std::string& directory, const std::string& path,
                                  const Ext4Options& options) {
  auto made = [&]() -> Result<Ext4Stats> {
    auto image = TRY(ext4::open_image(image_path));
    if (image.fs->blocksize != kBlockBytes || image.fs->super->s_inode_size != ext4::kInodeBytes ||
        !ext2fs_has_feature_extents(image.fs->super))
      return fail(ErrorCode::unsupported, fmt::format("{} does not have the layout of banger's images", image_path),
                  "import it as a tar file");
    ext2_ino_t from = TRY(find_directory(image.fs.get(), directory));
    auto build = TRY(Build::create(path, options));
    TRY(Extractor(image, *build).copy_root(from));
    return build->finish();
  };
  return in(fmt::format("copy {} of {}", directory, image_path), made());
}

}  // namespace banger::ext4

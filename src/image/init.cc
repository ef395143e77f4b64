#include "image/init.h"

#include <ext2fs/ext2fs.h>
#include <fmt/format.h>

#include <memory>
#include <string_view>

namespace banger::image {

namespace {

struct Candidate {
  const char* path;
  std::string_view init;
};

/// Programs that /sbin/init may link to.
constexpr Candidate kTargets[] = {{"/usr/lib/systemd/systemd", "systemd"},
                                  {"/lib/systemd/systemd", "systemd"},
                                  {"/sbin/openrc-init", "openrc"},
                                  {"/sbin/runit-init", "runit"},
                                  {"/sbin/runit", "runit"},
                                  {"/bin/busybox", "busybox"},
                                  {"/usr/bin/busybox", "busybox"},
                                  {"/bin/busybox.static", "busybox"}};
/// Service managers that a plain first process (busybox, sysvinit) runs.
constexpr Candidate kManagers[] = {
    {"/sbin/openrc", "openrc"}, {"/usr/sbin/openrc", "openrc"}, {"/sbin/runsvdir", "runit"}};

class Image {
 public:
  static Result<Image> open(const std::string& path) {
    ext2_filsys fs = nullptr;
    // check_ext4 has checked the image already, so the default block size and superblock are right.
    errcode_t error = ext2fs_open(path.c_str(), EXT2_FLAG_64BITS, 0, 0, unix_io_manager, &fs);
    if (error)
      return fail(ErrorCode::corrupt, fmt::format("{}: not a readable ext4 (libext2fs error {})", path, error));
    return Image(fs);
  }

  /// The inode at a path, or 0 when there is none. libext2fs bounds the number of links that it follows.
  ext2_ino_t find(const char* path) const {
    ext2_ino_t inode = 0;
    return ext2fs_namei_follow(fs_.get(), EXT2_ROOT_INO, EXT2_ROOT_INO, path, &inode) == 0 ? inode : 0;
  }

 private:
  explicit Image(ext2_filsys fs) : fs_(fs, ext2fs_free) {}
  std::unique_ptr<struct_ext2_filsys, decltype(&ext2fs_free)> fs_;
};

}  // namespace

Result<std::string> detect_init(const std::string& image_path) {
  auto image = TRY(Image::open(image_path));
  ext2_ino_t init = image.find("/sbin/init");
  if (init == 0) return "none";
  std::string_view found = "other";
  for (const auto& target : kTargets)
    if (image.find(target.path) == init) {
      found = target.init;
      break;
    }
  if (found == "other" || found == "busybox")
    for (const auto& manager : kManagers)
      if (image.find(manager.path) != 0) {
        found = manager.init;
        break;
      }
  return std::string(found);
}

}  // namespace banger::image

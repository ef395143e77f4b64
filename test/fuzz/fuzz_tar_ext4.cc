// Fuzzes tar streams: any bytes are written into an ext4 image and read back, and unpacked into a directory. Run in a
// scratch TMPDIR with -rss_limit_mb.
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdint>
#include <filesystem>
#include <string>

#include "base/bounds.h"
#include "ext4/ext4.h"
#include "scratch.h"
#include "tar/tar.h"

namespace {

/// Directories that the archive made may deny their owner access.
void remove_all(const std::string& path) {
  namespace fs = std::filesystem;
  std::error_code error;
  for (auto at = fs::recursive_directory_iterator(path, fs::directory_options::skip_permission_denied, error);
       at != fs::recursive_directory_iterator(); at.increment(error))
    if (at->is_directory(error) && !at->is_symlink(error)) fs::permissions(at->path(), fs::perms::owner_all, error);
  fs::remove_all(path, error);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace banger;
  UniqueFd tar = fuzz::as_file(fuzz::with_checksums({reinterpret_cast<const char*>(data), size}));
  if (!tar) return 0;
  std::string directory = fuzz::scratch_directory();
  std::filesystem::create_directory(directory + "/tree");

  ::lseek(tar.get(), 0, SEEK_SET);
  ext4::Ext4Options options{.spare_bytes = 0, .uuid_seed = "fuzz", .journal = false};
  if (ext4::write_ext4_from_tar(tar.get(), directory + "/image", options)) {
    if (!ext4::check_ext4(directory + "/image")) ::abort();
    if (!ext4::extract_subtree(directory + "/image", "/", directory + "/copy", options)) ::abort();
  } else if (std::filesystem::exists(directory + "/image")) {
    ::abort();
  }

  ::lseek(tar.get(), 0, SEEK_SET);
  (void)tar::unpack_tree(tar.get(), directory + "/tree", {.max_bytes = 16 * limits::kMiB});
  ::lseek(tar.get(), 0, SEEK_SET);
  UniqueFd copy(::memfd_create("copy", MFD_CLOEXEC));
  if (::ftruncate(copy.get(), 0) == 0) (void)tar::copy_tar(tar.get(), copy.get(), [](auto, auto) {});
  if (std::distance(std::filesystem::directory_iterator(directory), {}) > 3) ::abort();
  remove_all(directory);
  return 0;
}

// Fuzzes tar streams: any bytes are written into an ext4 image and read back, and unpacked into a directory. Run in a
// scratch TMPDIR with -rss_limit_mb.
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdint>
#include <filesystem>
#include <string>

#include "base/bounds.h"
#include "base/unique_fd.h"
#include "ext4/ext4.h"
#include "tar/tar.h"

namespace {

std::string scratch_directory() {
  const char* parent = ::getenv("TMPDIR");
  std::string name = std::string(parent ? parent : "/tmp") + "/fuzz-tar-XXXXXX";
  if (!::mkdtemp(name.data())) ::abort();
  return name;
}

/// Corrects header checksums. Otherwise almost every input would fail at them.
std::string with_checksums(const std::uint8_t* data, std::size_t size) {
  std::string tar(reinterpret_cast<const char*>(data), size);
  for (std::size_t at = 0; at + 512 <= size; at += 512) {
    if (tar.compare(at + 257, 5, "ustar") != 0) continue;
    tar.replace(at + 148, 8, 8, ' ');
    unsigned sum = 0;
    for (std::size_t i = at; i < at + 512; ++i) sum += static_cast<unsigned char>(tar[i]);
    std::string digits(6, '0');
    for (std::size_t i = 6; i-- > 0; sum /= 8) digits[i] = static_cast<char>('0' + sum % 8);
    tar.replace(at + 148, 7, digits + '\0');
  }
  return tar;
}

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
  UniqueFd tar(::memfd_create("tar", MFD_CLOEXEC));
  std::string bytes = with_checksums(data, size);
  if (!tar || ::write(tar.get(), bytes.data(), bytes.size()) != static_cast<ssize_t>(bytes.size())) return 0;
  std::string directory = scratch_directory();
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

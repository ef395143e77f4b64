// Fuzzes kernel images, modules and Debian packages: unpacking must neither crash nor exceed its limits.
#include <sys/mman.h>
#include <unistd.h>

#include <cstdlib>
#include <string>

#include "image/apt/deb.h"
#include "image/kernel/decompress.h"
#include "image/kernel/modules.h"
#include "image/kernel/store.h"

namespace {

/// The input as a file to read from.
int input_fd(std::string_view bytes) {
  int fd = ::memfd_create("input", MFD_CLOEXEC);
  if (fd < 0 || ::write(fd, bytes.data(), bytes.size()) != static_cast<ssize_t>(bytes.size()) ||
      ::lseek(fd, 0, SEEK_SET) != 0)
    std::abort();
  return fd;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace banger;
  std::string_view bytes(reinterpret_cast<const char*>(data), size);
  if (auto elf = image::unpack_vmlinux(bytes)) (void)image::release_of_vmlinux(*elf);
  (void)image::read_module_info(bytes);
  (void)image::decompress(bytes, 1 << 20);
  int fd = input_fd(bytes);
  // The filter wants no file, so nothing is written: only the reading is tested.
  (void)image::extract_deb(fd, "/nonexistent", [](std::string_view) { return std::nullopt; });
  ::close(fd);
  return 0;
}

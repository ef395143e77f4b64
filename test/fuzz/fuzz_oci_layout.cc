// Fuzzes OCI layouts in a tar. Run in a scratch TMPDIR.
#include <filesystem>

#include "image/oci/layout.h"
#include "scratch.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace banger;
  UniqueFd file = fuzz::as_file(fuzz::with_checksums({reinterpret_cast<const char*>(data), size}));
  if (!file) return 0;
  std::string directory = fuzz::scratch_directory();
  (void)image::oci::read_layout(file.get(), directory, 1'000'000);
  if (!std::filesystem::is_empty(directory)) ::abort();
  std::filesystem::remove_all(directory);
  return 0;
}

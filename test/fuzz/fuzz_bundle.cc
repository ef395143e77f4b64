// Fuzzes bundles: the manifest alone, and the whole archive. Run in a scratch TMPDIR.
#include <filesystem>
#include <string_view>

#include "image/catalog/bundle.h"
#include "scratch.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace banger;
  using namespace banger::image::catalog;
  std::string bytes(reinterpret_cast<const char*>(data), size);
  if (auto manifest = parse_bundle_manifest(bytes)) {
    auto again = parse_bundle_manifest(to_text(*manifest));
    if (!again || *again != *manifest) ::abort();
    if (bundle_file_name(*manifest).find('/') != std::string::npos) ::abort();
  }
  UniqueFd file = fuzz::as_file(fuzz::with_checksums(bytes));
  if (!file) return 0;
  std::string directory = fuzz::scratch_directory();
  std::filesystem::create_directory(directory + "/bundle");
  (void)read_bundle(file.get(), BundleKind::image, directory + "/bundle");
  if (std::distance(std::filesystem::directory_iterator(directory), {}) != 1) ::abort();
  std::filesystem::remove_all(directory);
  return 0;
}

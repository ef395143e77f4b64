// Fuzzes image layers: three layers become an ext4 image. The bytes are either the streams themselves or a list of
// entries, which reaches the rules of whiteouts and symlinks faster. Run in a scratch TMPDIR with -rss_limit_mb.
#include <filesystem>
#include <string_view>
#include <vector>

#include "base/bounds.h"
#include "ext4/from_layers.h"
#include "scratch.h"
#include "tar/pax.h"

using namespace banger;

namespace {

constexpr std::size_t kLayers = 3;

class Entries {
 public:
  explicit Entries(std::string_view bytes) : bytes_(bytes) {}

  /// One entry for every few bytes.
  std::string tar() {
    std::string out;
    while (!bytes_.empty()) {
      tar::TarEntry entry{.path = path(), .kind = static_cast<tar::EntryKind>(take() % 7), .mode = 0755};
      entry.target = path();
      if (entry.kind == tar::EntryKind::file) entry.size = static_cast<std::int64_t>(take() % 3 * 3000);
      if (entry.kind != tar::EntryKind::symlink && entry.kind != tar::EntryKind::hard_link) entry.target.clear();
      out += tar::pax_headers(entry, {});
      out.append(static_cast<std::size_t>(entry.size + 511) / 512 * 512, 'x');
    }
    return out + std::string(1024, '\0');
  }

 private:
  unsigned take() {
    if (bytes_.empty()) return 0;
    auto value = static_cast<unsigned char>(bytes_.front());
    bytes_.remove_prefix(1);
    return value;
  }

  std::string path() {
    static constexpr const char* kParts[] = {"a", "b", "c", "/", "..", ".", ".wh.a", ".wh.b", ".wh..wh..opq", ".wh."};
    std::string out;
    for (unsigned count = take() % 5 + 1; count > 0; --count) {
      if (!out.empty()) out += '/';
      out += kParts[take() % std::size(kParts)];
    }
    return out;
  }

  std::string_view bytes_;
};

std::vector<std::string> layers_of(std::string_view bytes) {
  bool streams = !bytes.empty() && (bytes[0] & 1);
  std::vector<std::string> layers;
  std::size_t each = bytes.size() / kLayers;
  if (streams) each = each / 512 * 512;
  for (std::size_t i = 0; i < kLayers; ++i) {
    std::string_view part = bytes.substr(i * each, i + 1 < kLayers ? each : bytes.npos);
    layers.push_back(streams ? fuzz::with_checksums(std::string(part.substr(i == 0 && !part.empty() ? 1 : 0)))
                             : Entries(part).tar());
  }
  return layers;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::vector<UniqueFd> files;
  std::vector<ext4::Layer> layers;
  for (const std::string& bytes : layers_of({reinterpret_cast<const char*>(data), size})) {
    files.push_back(fuzz::as_file(bytes));
    layers.push_back({.fd = files.back().get(), .digest = "layer"});
  }
  std::string directory = fuzz::scratch_directory();
  ext4::LayersOptions options{.ext4 = {.uuid_seed = "fuzz", .journal = false}, .max_unpacked_bytes = 16 * limits::kMiB};
  if (ext4::write_ext4_from_layers(layers, directory + "/image", options)) {
    if (!ext4::check_ext4(directory + "/image")) ::abort();
    if (!ext4::extract_subtree(directory + "/image", "/", directory + "/copy", options.ext4)) ::abort();
  } else if (std::filesystem::exists(directory + "/image")) {
    ::abort();
  }
  std::filesystem::remove_all(directory);
  return 0;
}

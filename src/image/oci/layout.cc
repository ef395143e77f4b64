#include "image/oci/layout.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <optional>

#include "base/text.h"
#include "host/digest.h"
#include "host/files.h"
#include "image/oci/bounds.h"
#include "image/oci/documents.h"
#include "image/oci/media_types.h"
#include "image/room.h"
#include "tar/ahead.h"
#include "tar/reader.h"

namespace banger::image::oci {

namespace {

constexpr std::string_view kBlobs = "blobs/sha256/";

std::unexpected<Error> not_one(std::string_view why) {
  return fail(ErrorCode::invalid, fmt::format("this is no OCI layout of one image: {}", why));
}

class LayoutReader {
 public:
  LayoutReader(tar::TarReader& reader, const std::string& directory, std::uint64_t max_bytes, const StopFlag* stop)
      : reader_(reader), directory_(directory), max_bytes_(max_bytes), left_(max_bytes), stop_(stop) {}

  Result<Layout> read() {
    while (auto entry = TRY(reader_.next())) TRY(take(*entry));
    if (!index_) return not_one("it has no index.json");
    auto digest = TRY(find_manifest());
    auto manifest_text = TRY(text_of(digest));
    auto document = TRY(in("the manifest", parse_document(manifest_text, kOciManifest)));
    auto* manifest = std::get_if<Manifest>(&document);
    if (!manifest) return not_one("its index leads to another index");
    auto config_text = TRY(text_of(manifest->config.digest));
    auto config = TRY(in("the config", parse_image_config(config_text, manifest->layers.size())));
    TRY(check_sizes(*manifest));
    return Layout{.manifest_text = std::move(manifest_text),
                  .config_text = std::move(config_text),
                  .manifest = std::move(*manifest),
                  .config = std::move(config),
                  .blobs = std::move(blobs_)};
  }

 private:
  Result<> take(const tar::TarEntry& entry) {
    if (++members_ > limits::kLayoutMembers) return not_one("it has too many members");
    std::string_view path = entry.path;
    if (path.starts_with("./")) path.remove_prefix(2);
    while (path.ends_with('/')) path.remove_suffix(1);
    if (entry.kind == tar::EntryKind::directory && (path.empty() || path == "." || kBlobs.starts_with(path))) return {};
    bool blob = path.starts_with(kBlobs);
    if (entry.kind != tar::EntryKind::file || !(blob || path == "index.json" || path == "oci-layout"))
      return not_one(fmt::format("'{}' is none of its files", printable(entry.path, 120)));
    if (blob) return take_blob(fmt::format("sha256:{}", path.substr(kBlobs.size())));
    auto text = TRY(read_text());
    if (path == "index.json" && std::exchange(index_, std::move(text))) return not_one("it has two index.json");
    return {};
  }

  /// Passes on the content of the present member. Holes are refused, because no layout has them.
  template <class Take>
  Result<std::uint64_t> each_block(Take take) {
    std::uint64_t at = 0;
    while (auto block = TRY(reader_.next_block())) {
      if (requested(stop_)) return fail(ErrorCode::cancelled, "cancelled");
      if (block->offset != at) return not_one("a file has holes");
      if (block->data.size() > left_) return fail(ErrorCode::exhausted, "the image is larger than the limit");
      at += block->data.size();
      left_ -= block->data.size();
      TRY(take(block->data));
    }
    return at;
  }

  Result<std::string> read_text() {
    std::string text;
    TRY(each_block([&](std::string_view bytes) -> Result<> {
      if (text.size() + bytes.size() > limits::kOciManifestBytes) return not_one("a document is too large");
      text += bytes;
      return {};
    }));
    return text;
  }

  Result<> take_blob(std::string_view name) {
    auto digest = TRY(Digest::parse(name));
    LayoutBlob blob{.fd = TRY(host::open_file(directory_, O_TMPFILE | O_RDWR, 0600))};
    host::Sha256 hash;
    blob.size_bytes = TRY(each_block([&](std::string_view bytes) {
      hash.add(bytes);
      if (auto room = room_.written(max_bytes_ - left_); !room) return room;
      return host::write_all(blob.fd.get(), bytes);
    }));
    if (hash.finish() != digest.hex())
      return fail(ErrorCode::corrupt, fmt::format("blob {} has another digest", digest.brief()));
    if (::lseek(blob.fd.get(), 0, SEEK_SET) < 0) return fail_errno("lseek");
    blobs_.insert_or_assign(digest, std::move(blob));
    return {};
  }

  Result<Digest> find_manifest() const {
    auto document = TRY(in("index.json", parse_document(*index_, kOciIndex)));
    auto* index = std::get_if<Index>(&document);
    if (!index) return not_one("index.json is no index");
    if (index->entries.size() == 1) return index->entries[0].descriptor.digest;
    return TRY(choose_platform(*index)).digest;
  }

  Result<std::string> text_of(const Digest& digest) const {
    auto blob = blobs_.find(digest);
    if (blob == blobs_.end()) return not_one(fmt::format("blob {} is missing", digest.brief()));
    auto text = host::read_all(blob->second.fd.get(), digest.brief(), limits::kOciManifestBytes);
    if (::lseek(blob->second.fd.get(), 0, SEEK_SET) < 0) return fail_errno("lseek");
    return text;
  }

  Result<> check_sizes(const Manifest& manifest) const {
    for (const auto& layer : manifest.layers) {
      auto blob = blobs_.find(layer.digest);
      if (blob != blobs_.end() && blob->second.size_bytes != layer.size)
        return fail(ErrorCode::corrupt,
                    fmt::format("layer {} has another size than its manifest says", layer.digest.brief()));
    }
    return {};
  }

  tar::TarReader& reader_;
  const std::string& directory_;
  RoomWatch room_{directory_};
  std::uint64_t max_bytes_, left_;
  const StopFlag* stop_;
  std::size_t members_ = 0;
  std::optional<std::string> index_;
  std::map<Digest, LayoutBlob> blobs_;
};

}  // namespace

Result<Layout> read_layout(int fd, const std::string& directory, std::uint64_t max_bytes, const StopFlag* stop) {
  auto source = TRY(tar::AheadSource::start(fd));
  auto reader = TRY(tar::TarReader::open(*source));
  return LayoutReader(reader, directory, max_bytes, stop).read();
}

}  // namespace banger::image::oci

// Reading bundles.
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>

#include "base/text.h"
#include "host/digest.h"
#include "host/files.h"
#include "image/catalog/bounds.h"
#include "image/catalog/bundle.h"
#include "image/room.h"
#include "tar/ahead.h"
#include "tar/placement.h"
#include "tar/reader.h"

namespace banger::image::catalog {

namespace {

std::unexpected<Error> damaged(std::string_view what) {
  return fail(ErrorCode::corrupt, fmt::format("the bundle is damaged: {}", what), "fetch the bundle again");
}

/// Passes the content on without gaps. Holes in the archive are refused, because no bundle has them.
template <class Take>
Result<> each_block(tar::TarReader& reader, std::uint64_t size, const StopFlag* stop, Take take) {
  std::uint64_t at = 0;
  while (auto block = TRY(reader.next_block())) {
    if (requested(stop)) return fail(ErrorCode::cancelled, "cancelled");
    if (block->offset != at || block->data.size() > size - at) return damaged("a member has another size");
    at += block->data.size();
    TRY(take(block->offset, block->data));
  }
  if (at != size) return damaged("a member is cut short");
  return {};
}

Result<BundleManifest> read_manifest(tar::TarReader& reader) {
  auto entry = TRY(reader.next());
  if (!entry || entry->path != "manifest.json" || entry->kind != tar::EntryKind::file)
    return fail(ErrorCode::invalid, "this is no bundle: the archive does not start with manifest.json");
  if (entry->size < 0 || static_cast<std::uint64_t>(entry->size) > limits::kBundleManifestBytes)
    return damaged("its manifest is too large");
  std::string text;
  TRY(each_block(reader, static_cast<std::uint64_t>(entry->size), nullptr, [&](std::uint64_t, std::string_view bytes) {
    text += bytes;
    return Result<>();
  }));
  return parse_bundle_manifest(text);
}

/// Writes what is not zeros.
Result<> write_sparse(tar::ContentWriter& writer, std::uint64_t offset, std::string_view bytes) {
  while (!bytes.empty()) {
    std::string_view part = bytes.substr(0, limits::kBundleHoleBytes);
    if (part.find_first_not_of('\0') != part.npos) TRY(writer.add(offset, part));
    offset += part.size();
    bytes.remove_prefix(part.size());
  }
  return {};
}

/// Where the members go, and why that may end early.
struct Target {
  std::string directory;
  const StopFlag* stop;
  RoomWatch room{directory};
  std::uint64_t written_bytes = 0;
};

Result<> read_member(tar::TarReader& reader, const BundleMember& member, Target& target) {
  auto entry = TRY(reader.next());
  if (!entry || entry->path != member.name || entry->kind != tar::EntryKind::file)
    return damaged(fmt::format("'{}' is missing", member.name));
  if (entry->size < 0 || static_cast<std::uint64_t>(entry->size) != member.size_bytes)
    return damaged(fmt::format("'{}' has another size than its manifest gives", member.name));
  auto file =
      TRY(host::open_file(target.directory + "/" + member.name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0644));
  tar::ContentWriter writer(file.get());
  host::Sha256 digest;
  TRY(each_block(reader, member.size_bytes, target.stop, [&](std::uint64_t offset, std::string_view bytes) -> Result<> {
    digest.add(bytes);
    target.written_bytes += bytes.size();
    TRY(target.room.written(target.written_bytes));
    return write_sparse(writer, offset, bytes);
  }));
  TRY(writer.finish(member.size_bytes));
  if (digest.finish() != member.sha256) return damaged(fmt::format("'{}' has another SHA-256", member.name));
  return {};
}

}  // namespace

bool is_bundle(int fd) {
  bool found = false;
  if (auto source = tar::AheadSource::start(fd)) {
    auto reader = tar::TarReader::open(**source);
    found = reader && read_manifest(*reader);
  }
  return ::lseek(fd, 0, SEEK_SET) == 0 && found;
}

Result<BundleManifest> read_bundle(int fd, BundleKind kind, const std::string& directory, const StopFlag* stop) {
  auto source = TRY(tar::AheadSource::start(fd));
  auto reader = TRY(tar::TarReader::open(*source));
  auto manifest = TRY(read_manifest(reader));
  if (manifest.kind != kind)
    return fail(ErrorCode::invalid,
                fmt::format("the bundle holds the {} '{}'", word_of(kBundleKindWords, manifest.kind), manifest.name),
                fmt::format("banger {} import", word_of(kBundleKindWords, manifest.kind)));
  auto is_module = [](const BundleMember& member) { return member.name.starts_with("modules/"); };
  if (std::ranges::any_of(manifest.members, is_module)) TRY(host::make_directories(directory + "/modules", 0755));
  Target target{.directory = directory, .stop = stop};
  for (const auto& member : manifest.members) TRY(read_member(reader, member, target));
  if (TRY(reader.next())) return damaged("it has more members than its manifest");
  return manifest;
}

}  // namespace banger::image::catalog

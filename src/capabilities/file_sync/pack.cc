#include "capabilities/file_sync/pack.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include "base/bounds.h"
#include "base/text.h"
#include "host/files.h"
#include "tar/file_content.h"
#include "tar/writer.h"

namespace banger::capabilities {

namespace {

Result<UniqueFd> nameless_file(const std::string& directory) {
  auto path = fmt::format("{}/sync-{}", directory, host::random_id());
  auto file = TRY(host::open_file(path, O_RDWR | O_CREAT | O_EXCL));
  TRY(host::remove_file(path));
  return file;
}

tar::TarEntry tar_entry(std::string path, tar::EntryKind kind, mode_t mode, const struct stat& info) {
  return {.path = std::move(path),
          .kind = kind,
          .mode = mode,
          .mtime = {info.st_mtim.tv_sec, static_cast<std::uint32_t>(info.st_mtim.tv_nsec)},
          .size = kind == tar::EntryKind::file ? info.st_size : 0};
}

/// Writes the objects of one entry.
class Packer {
 public:
  Packer(tar::TarWriter& writer, PackedEntry& packed, SyncWarnings& warnings)
      : writer_(writer), packed_(packed), warnings_(warnings) {}

  Result<> add(const SyncedObject& object, int file, const struct stat& info) {
    if (packed_.objects.empty()) TRY(add_parents(object.path, info));
    packed_.objects.push_back(object);
    if (object.directory) return writer_.add(tar_entry(object.path, tar::EntryKind::directory, object.mode, info));
    auto flaw =
        TRY(content_.write(file, tar_entry(object.path, tar::EntryKind::file, object.mode, info), info, writer_));
    if (!flaw) return {};
    auto name = printable(object.path, limits::kPathBytes);
    warnings_.add(fmt::format("~/{} is skipped: {}", name, *flaw));
    packed_.flawed.insert(std::move(name));
    packed_.objects.pop_back();
    return writer_.leave_out(object.path, *flaw);
  }

 private:
  Result<> add_parents(const std::string& path, const struct stat& info) {
    for (auto end = path.find('/'); end != path.npos; end = path.find('/', end + 1)) {
      auto parent = path.substr(0, end);
      TRY(writer_.add(tar_entry(parent, tar::EntryKind::directory, parent_mode(parent), info)));
    }
    return {};
  }

  tar::TarWriter& writer_;
  PackedEntry& packed_;
  SyncWarnings& warnings_;
  tar::FileContent content_;
};

}  // namespace

mode_t parent_mode(std::string_view path) {
  return path.starts_with('.') || path.find("/.") != path.npos ? 0700 : 0755;
}

Result<PackedEntry> pack_entry(const config::FileSync& entry, const HostFiles& host, SyncBudget budget,
                               const std::string& directory, SyncWarnings& warnings) {
  PackedEntry packed{.tar = TRY(nameless_file(directory)), .left = budget, .objects = {}, .flawed = {}};
  auto writer = TRY(tar::TarWriter::open(packed.tar.get()));
  Packer packer(writer, packed, warnings);
  auto add = [&](const SyncedObject& object, int file, const struct stat& info) {
    return packer.add(object, file, info);
  };
  TRY(visit_synced(entry, host, packed.left, add, warnings));
  TRY(writer.finish());
  if (packed.objects.empty()) packed.tar.reset();
  if (packed.tar && ::lseek(packed.tar.get(), 0, SEEK_SET) < 0) return fail_errno("read a packed entry");
  return packed;
}

Result<std::vector<SyncedObject>> list_entry(const config::FileSync& entry, const HostFiles& host, SyncBudget& budget,
                                             SyncWarnings& warnings) {
  std::vector<SyncedObject> objects;
  auto add = [&](const SyncedObject& object, int, const struct stat&) -> Result<> {
    objects.push_back(object);
    return {};
  };
  TRY(visit_synced(entry, host, budget, add, warnings));
  return objects;
}

}  // namespace banger::capabilities

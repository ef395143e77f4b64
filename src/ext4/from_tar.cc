// Makes file systems from tar streams.
#include <fmt/format.h>

#include "ext4/entry.h"
#include "ext4/ext4.h"

namespace banger::ext4 {

Result<Ext4Stats> write_ext4_from_tar(int tar_fd, const std::string& path, const Ext4Options& options,
                                      const Progress& progress) {
  auto build = TRY(in(fmt::format("make file system {}", path), Build::create(path, options)));
  auto reader = TRY(tar::TarReader::open(tar_fd, tar::Compression::any));
  while (auto entry = TRY(reader.next())) TRY(add_entry(reader, *build, *entry, progress));
  auto stats = TRY(in(fmt::format("make file system {}", path), build->finish()));
  if (progress) progress(stats.content_bytes);
  return stats;
}

Result<Ext4Stats> write_ext4_from_guest(int tar_fd, const std::string& path, const Ext4Options& options,
                                        const GuestTar& guest, const Progress& progress) {
  auto build = TRY(in(fmt::format("make file system {}", path), Build::create(path, options)));
  build->limit_content(guest.max_content_bytes);
  auto reader = TRY(tar::TarReader::open(tar_fd, tar::Compression::none));
  while (auto entry = TRY(reader.next())) {
    if (!entry->left_out)
      TRY(add_entry(reader, *build, *entry, progress));
    else if (guest.left_out)
      guest.left_out(entry->path, *entry->left_out);
  }
  auto stats = TRY(in(fmt::format("make file system {}", path), build->finish()));
  if (progress) progress(stats.content_bytes);
  return stats;
}

}  // namespace banger::ext4

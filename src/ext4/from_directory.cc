// Makes file systems from directories of this host. Root owns everything in them, whoever the owner is on the host.
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <vector>

#include "ext4/build.h"
#include "ext4/ext4.h"
#include "host/files.h"

namespace banger::ext4 {

namespace {

using ext4::Build;
using ext4::Node;
using ext4::NodeId;
namespace fs = std::filesystem;

constexpr std::size_t kChunkBytes = 1 << 20;

Result<std::vector<fs::directory_entry>> sorted_entries(const std::string& directory) {
  std::error_code error;
  std::vector<fs::directory_entry> entries;
  for (fs::directory_iterator at(directory, error), end; !error && at != end; at.increment(error))
    entries.push_back(*at);
  if (error) return fail_errno(directory, error.value());
  std::ranges::sort(entries, {}, [](const auto& entry) { return entry.path().native(); });
  return entries;
}

Result<> copy_content(Build& build, NodeId file, int fd) {
  std::string chunk(kChunkBytes, '\0');
  for (std::uint64_t offset = 0;;) {
    auto count = ::read(fd, chunk.data(), chunk.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return fail_errno("read");
    if (count == 0) return build.end(file);
    TRY(build.write(file, offset, {chunk.data(), static_cast<std::size_t>(count)}, {}));
    offset += static_cast<std::uint64_t>(count);
  }
}

Result<> add_file(Build& build, const fs::path& from, const std::string& name, ext4::Time time) {
  auto fd = TRY(host::open_file(from, O_RDONLY | O_NOFOLLOW));
  struct stat info{};
  if (::fstat(fd.get(), &info) < 0) return fail_errno("read its attributes");
  Node node;
  node.mode = S_IFREG | 0644;
  node.mtime = node.atime = time;
  node.size = static_cast<std::uint64_t>(info.st_size);
  return copy_content(build, TRY(build.tree().place(name, std::move(node))), fd.get());
}

Result<> add_directory(Build& build, const std::string& from, const std::string& name, ext4::Time time) {
  for (const auto& entry : TRY(sorted_entries(from))) {
    auto below = name + entry.path().filename().native();
    auto status = entry.symlink_status();
    if (fs::is_directory(status)) {
      TRY(build.tree().place(below, ext4::make_directory(0755, time)));
      TRY(add_directory(build, entry.path(), below + "/", time));
    } else if (fs::is_regular_file(status)) {
      TRY(in(entry.path().native(), add_file(build, entry.path(), below, time)));
    }
  }
  return {};
}

}  // namespace

Result<Ext4Stats> write_ext4_from_directory(const std::string& directory, const std::string& path,
                                            const Ext4Options& options) {
  auto made = [&]() -> Result<Ext4Stats> {
    auto build = TRY(Build::create(path, options));
    TRY(add_directory(*build, directory, "", {.seconds = options.timestamp}));
    return build->finish();
  };
  return in(fmt::format("make file system {}", path), made());
}

}  // namespace banger::ext4

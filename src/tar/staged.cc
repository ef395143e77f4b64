#include "tar/staged.h"

#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include <cerrno>
#include <filesystem>

#include "host/files.h"
#include "tar/bounds.h"
#include "tar/tar.h"

namespace banger::tar {

namespace fs = std::filesystem;

namespace {

/// Nothing is staged in these file systems, and they are large.
bool is_of_kernel(const std::string& directory) {
  struct statfs info{};
  return ::statfs(directory.c_str(), &info) == 0 && (info.f_type == PROC_SUPER_MAGIC || info.f_type == SYSFS_MAGIC);
}

/// Removes the staged objects of a merge, which may be at any depth.
Result<> remove_below(const std::string& top, const std::string& staged) {
  std::error_code error;
  std::size_t seen = 0;
  fs::recursive_directory_iterator at(top, fs::directory_options::skip_permission_denied, error);
  for (fs::recursive_directory_iterator end; !error && at != end; at.increment(error)) {
    if (++seen > limits::kArchiveEntries) return fail(ErrorCode::exhausted, top + ": it has too many files");
    std::error_code unknown;
    if (at->symlink_status(unknown).type() == fs::file_type::directory) {
      if (at.depth() >= static_cast<int>(limits::kTreeDepth) || is_of_kernel(at->path()))
        at.disable_recursion_pending();
    } else if (at->path().filename() == staged) {
      TRY(host::remove_file(at->path()));
    }
  }
  if (error) return fail_errno(top, error.value());
  return {};
}

}  // namespace

Result<> remove_staged(const std::string& directory, const UnpackOptions& options) {
  TRY(host::remove_tree(directory + "/" + staged_tree(options.staged)));
  TRY(host::remove_file(directory + "/" + options.staged));
  auto top = directory + "/" + (options.only.empty() ? "." : options.only);
  struct stat info{};
  if (::lstat(top.c_str(), &info) < 0) return errno == ENOENT || errno == ENOTDIR ? Result<>() : fail_errno(top);
  return S_ISDIR(info.st_mode) ? remove_below(top, options.staged) : Result<>();
}

}  // namespace banger::tar

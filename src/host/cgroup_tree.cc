// The hierarchy of this host, and the place of this process in it.
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>

#include "base/text.h"
#include "host/bounds.h"
#include "host/cgroup.h"
#include "host/delegated_cgroup.h"
#include "host/files.h"

namespace banger::host {

Result<std::string> HostCgroupTree::read(const std::string& file) { return read_file(file, limits::kCgroupFileBytes); }

Result<> HostCgroupTree::write(const std::string& file, std::string_view text) {
  auto opened = TRY(open_file(file, O_WRONLY));
  return in(file, write_all(opened.get(), text));
}

Result<> HostCgroupTree::make(const std::string& group) {
  if (::mkdir(group.c_str(), 0755) < 0 && errno != EEXIST) return fail_errno(group);
  return {};
}

Result<> HostCgroupTree::remove(const std::string& group) {
  if (::rmdir(group.c_str()) == 0 || errno == ENOENT) return {};
  if (errno == EBUSY) return fail(ErrorCode::busy, fmt::format("{}: a process in it has not ended yet", group));
  return fail_errno(group);
}

bool HostCgroupTree::writable(const std::string& path) { return ::access(path.c_str(), W_OK) == 0; }

std::vector<std::string> HostCgroupTree::list(const std::string& group) {
  std::vector<std::string> names;
  std::error_code error;
  for (std::filesystem::directory_iterator entry(group, error), end; !error && entry != end; entry.increment(error))
    if (entry->is_directory(error)) names.push_back(entry->path().filename().string());
  return names;
}

Result<UniqueFd> HostCgroupTree::open(const std::string& group) { return open_file(group, O_RDONLY | O_DIRECTORY); }

Result<CgroupPlace> HostCgroupTree::place() {
  auto root = find_cgroups(mounts_);
  if (!root) return fail(ErrorCode::unsupported, "this host has no cgroups of version 2");
  auto text = TRY(read_file(groups_, limits::kCgroupFileBytes));
  for (auto line : split(text, '\n'))
    // "/.." is outside of the namespace of this process.
    if (line.starts_with("0::/") && !line.starts_with("0::/.."))
      return CgroupPlace{.root = *root, .group = std::string(line.substr(3)), .pid = ::getpid()};
  return fail(ErrorCode::unsupported, "this process is in no cgroup of version 2 that it can see");
}

}  // namespace banger::host

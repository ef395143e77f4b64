#include "tar/identity.h"

#include <fcntl.h>
#include <fmt/format.h>

#include "base/bounds.h"
#include "base/unique_fd.h"

namespace banger::tar {

std::string identity_of(const struct stat& info) { return fmt::format("{}:{}", info.st_dev, info.st_ino); }

std::vector<std::string> directories_around(const std::string& path) {
  std::vector<std::string> identities;
  UniqueFd at(::open(path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  struct stat info{};
  // Every component of a path has two bytes at least.
  while (at && ::fstat(at.get(), &info) == 0 && identities.size() < limits::kPathBytes / 2) {
    auto identity = identity_of(info);
    bool is_root = !identities.empty() && identity == identities.back();
    if (is_root) return identities;
    identities.push_back(std::move(identity));
    at = UniqueFd(::openat(at.get(), "..", O_PATH | O_DIRECTORY | O_CLOEXEC));
  }
  return {};
}

}  // namespace banger::tar

#include "workspace/quarantine.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>

#include "base/text.h"
#include "host/files.h"
#include "workspace/bounds.h"
#include "workspace/manifest.h"

namespace banger::workspace {

namespace {

namespace fs = std::filesystem;

class Cleaner {
 public:
  Result<> clean(const std::string& directory, const std::string& name, std::size_t depth) {
    if (depth > limits::kGuestTreeDepth) return fail(ErrorCode::exhausted, "the guest's tree is too deep");
    if (::chmod(directory.c_str(), 0700) < 0) return fail_errno(printable(name));
    for (const auto& child : TRY(names_in(directory))) {
      // A file with this name cannot be part of a patch either.
      if (!is_tree_name(child)) {
        if (name.empty()) {
          TRY(host::remove_tree(directory + "/" + child));
          continue;
        }
        nested.push_back(name);
        TRY(host::remove_tree(directory));
        // An empty directory is a submodule that has not changed, or nothing.
        return host::make_directories(directory, 0700);
      }
      TRY(clean_child(directory + "/" + child, name.empty() ? child : name + "/" + child, depth));
    }
    return {};
  }

  std::vector<std::string> nested;

 private:
  Result<> clean_child(const std::string& path, const std::string& name, std::size_t depth) {
    struct stat info{};
    if (::lstat(path.c_str(), &info) < 0) return fail_errno(printable(name));
    if (S_ISDIR(info.st_mode)) return clean(path, name, depth + 1);
    if (S_ISLNK(info.st_mode)) return {};
    if (!S_ISREG(info.st_mode)) return host::remove_file(path);
    // git looks at the owner's right to execute only.
    if (::chmod(path.c_str(), info.st_mode & S_IXUSR ? 0700 : 0600) < 0) return fail_errno(printable(name));
    return {};
  }

  Result<std::vector<std::string>> names_in(const std::string& directory) {
    std::vector<std::string> names;
    std::error_code error;
    for (fs::directory_iterator at(directory, error), end; !error && at != end; at.increment(error)) {
      names.push_back(at->path().filename().string());
      if (++count_ > limits::kGuestNames) return fail(ErrorCode::exhausted, "the guest has too many files");
    }
    if (error) return fail_errno(directory, error.value());
    std::ranges::sort(names);
    return names;
  }

  std::size_t count_ = 0;
};

}  // namespace

Result<std::vector<std::string>> quarantine(const std::string& tree, const std::string& away) {
  struct stat info{};
  auto git = tree + "/.git";
  bool there = ::lstat(git.c_str(), &info) == 0;
  if (there && !S_ISDIR(info.st_mode))
    return fail(ErrorCode::invalid, "the guest's .git is no directory, and what it leads to is not read",
                "move the guest's repository there");
  if (!there)
    return fail(ErrorCode::not_found, "there is no git repository in the guest",
                "'banger vm workspace prepare' brings one there");
  (void)::chmod(tree.c_str(), 0700);
  (void)::chmod(git.c_str(), 0700);  // its ".." changes, so it must be writable
  if (::rename(git.c_str(), away.c_str()) < 0) return fail_errno("move the guest's git directory");
  Cleaner cleaner;
  TRY(cleaner.clean(tree, "", 0));
  return std::move(cleaner.nested);
}

}  // namespace banger::workspace

#include "tar/directories.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/fs.h>
#include <stdio.h>
#include <sys/stat.h>

#include <cerrno>

#include "base/text.h"
#include "host/files.h"
#include "tar/bounds.h"
#include "tar/path.h"

namespace banger::tar {

namespace {

constexpr int kEnter = O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;

std::unexpected<Error> through(std::string_view name, int directory) {
  struct stat info{};
  bool symlink =
      ::fstatat(directory, std::string(name).c_str(), &info, AT_SYMLINK_NOFOLLOW) == 0 && S_ISLNK(info.st_mode);
  return fail(ErrorCode::invalid, fmt::format("it goes through '{}', which is {}", printable(name),
                                              symlink ? "a symlink" : "not a directory"));
}

bool is_free(int directory, const std::string& name) {
  struct stat info{};
  return ::fstatat(directory, name.c_str(), &info, AT_SYMLINK_NOFOLLOW) < 0 && errno == ENOENT;
}

}  // namespace

std::string joined(std::span<const std::string_view> parts) {
  std::string path;
  for (std::string_view part : parts) (path += path.empty() ? "" : "/") += part;
  return path;
}

Result<> Memory::take(std::size_t bytes) {
  if (bytes <= left_) {
    left_ -= bytes;
    return {};
  }
  return fail(ErrorCode::exhausted, "the archive has too many files, or too long names and attributes",
              "copy a part at a time");
}

std::string Directories::real_name(std::span<const std::string_view> parts) const {
  return parts.size() == 1 && parts.back() == top_ ? staged_ : std::string(parts.back());
}

Result<UniqueFd> Directories::step(int from, std::span<const std::string_view> parts) {
  std::string name = real_name(parts);
  UniqueFd next(::openat(from, name.c_str(), O_PATH | kEnter));
  if (!next && errno == ENOENT) {
    if (::mkdirat(from, name.c_str(), 0700) < 0) return fail_errno("make a directory");
    TRY(remember(joined(parts), TarEntry{.mode = 0755, .uid = -1}));
    next = UniqueFd(::openat(from, name.c_str(), O_PATH | kEnter));
  }
  if (!next && (errno == ENOTDIR || errno == ELOOP)) return through(name, from);
  if (!next) return fail_errno("enter a directory");
  return next;
}

Result<int> Directories::enter(std::span<const std::string_view> parts) {
  std::string path = joined(parts);
  if (path.empty()) return root_;
  if (current_ && path == current_path_) return current_.get();
  UniqueFd at;
  for (std::size_t i = 1; i <= parts.size(); ++i) at = TRY(step(at ? at.get() : root_, parts.first(i)));
  current_ = std::move(at);
  current_path_ = std::move(path);
  return current_.get();
}

Result<> Directories::remember(std::string path, const TarEntry& entry) {
  std::size_t bytes = limits::kRememberedBytes + sizeof(TarEntry) + 2 * path.size();
  for (const auto& [name, value] : entry.xattrs) bytes += limits::kRememberedBytes + name.size() + value.size();
  TRY(memory_.take(bytes));
  made_.insert_or_assign(std::move(path), entry);
  return {};
}

Result<> Directories::add(std::span<const std::string_view> parts, const TarEntry& entry) {
  int parent = TRY(enter(parts.first(parts.size() - 1)));
  std::string name = real_name(parts);
  bool is_top = parts.size() == 1 && top_.empty() && is_free(parent, name);
  if (::mkdirat(parent, is_top ? staged_.c_str() : name.c_str(), 0700) == 0) {
    if (is_top) top_ = name;
    return remember(joined(parts), entry);
  }
  if (errno != EEXIST) return fail_errno("make a directory");
  struct stat info{};
  if (::fstatat(parent, name.c_str(), &info, AT_SYMLINK_NOFOLLOW) < 0) return fail_errno("make a directory");
  if (!S_ISDIR(info.st_mode))
    return fail(ErrorCode::exists,
                fmt::format("a {} of this name exists already", S_ISLNK(info.st_mode) ? "symlink" : "file"),
                "remove it, or copy elsewhere");
  auto implied = made_.find(joined(parts));
  return implied != made_.end() && implied->second.uid < 0 ? remember(joined(parts), entry) : Result<>();
}

Result<> Directories::apply_all() {
  for (auto made = made_.rbegin(); made != made_.rend(); ++made) {
    auto parts = TRY(split_member(made->first, AbsoluteNames::refuse));
    int parent = TRY(enter(std::span<const std::string_view>(parts).first(parts.size() - 1)));
    UniqueFd directory(::openat(parent, real_name(parts).c_str(), O_RDONLY | kEnter));
    if (!directory) return fail_errno(printable(made->first));
    TRY(in(printable(made->first), apply_attributes(directory.get(), made->second, keep_, made->second.uid >= 0)));
  }
  return {};
}

Result<> Directories::finish() {
  TRY(apply_all());
  if (top_.empty()) return {};
  if (::renameat2(root_, staged_.c_str(), root_, top_.c_str(), RENAME_NOREPLACE) < 0)
    return fail_errno(printable(top_));
  top_.clear();
  return {};
}

void Directories::give_up() {
  if (top_.empty())
    (void)apply_all();
  else
    (void)host::remove_tree(fmt::format("/proc/self/fd/{}/{}", root_, staged_));
  top_.clear();
}

}  // namespace banger::tar

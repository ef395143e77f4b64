#include "capabilities/file_sync/host_tree.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <string.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>

#include "base/bounds.h"
#include "base/text.h"
#include "base/unique_fd.h"
#include "host/beneath.h"

namespace banger::capabilities {

namespace fs = std::filesystem;

namespace {

constexpr mode_t kPermissions = 0777;
// A file may become a FIFO between two looks.
constexpr int kReadFile = O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
constexpr int kReadDirectory = O_RDONLY | O_DIRECTORY | O_CLOEXEC;
// banger keeps the key of `vm ssh` there.
constexpr std::string_view kOwnFile = ".ssh/authorized_keys";

std::string_view kind_of(mode_t mode) {
  if (S_ISLNK(mode)) return "it is a symlink";
  if (S_ISFIFO(mode)) return "it is a FIFO";
  if (S_ISSOCK(mode)) return "it is a socket";
  return "it is a device";
}

std::string text_of(std::string_view path) { return printable(path, limits::kPathBytes); }

std::string expand(const config::FileSync& entry, const HostFiles& host) {
  return entry.host.starts_with("~/") ? host.home + entry.host.substr(1) : entry.host;
}

/// The path without links, opened beneath the home. So no link that is made meanwhile leads out.
Result<UniqueFd> open_in_home(const std::string& path, const std::string& home) {
  std::error_code error;
  std::string real = fs::canonical(path, error);
  if (error) return fail_errno(text_of(path), error.value());
  std::string roots[] = {fs::canonical(home, error).string()};
  if (error) return fail_errno(text_of(home), error.value());
  return host::open_beneath(roots, real, O_PATH);
}

/// Without a side effect of a device, and without waiting.
Result<UniqueFd> find_top(const std::string& path, const HostFiles& host) {
  if (host.only_home) return open_in_home(path, host.home);
  UniqueFd found(::open(path.c_str(), O_PATH | O_CLOEXEC));
  if (!found) return fail_errno(text_of(path));
  return found;
}

class Walk {
 public:
  Walk(const HostFiles& host, SyncBudget& budget, const VisitSynced& visit, SyncWarnings& warnings)
      : host_(host), budget_(budget), visit_(visit), warnings_(warnings) {}

  Result<> top(const config::FileSync& entry) {
    auto path = expand(entry, host_);
    auto found = find_top(path, host_);
    if (!found && found.error().code == ErrorCode::not_found) return skip(path, "there is no such file or directory");
    if (!found && found.error().code == ErrorCode::denied && host_.only_home)
      return skip(path, "it is not inside your home, or cannot be read");
    if (!found) return skip(path, ::strerror(found.error().sys_errno));
    struct stat info{};
    if (::fstat(found->get(), &info) < 0) return skip(path, ::strerror(errno));
    auto itself = host::path_of_fd(*found);
    if (S_ISREG(info.st_mode)) {
      auto mode = entry.mode.value_or(limits::kSyncedFileMode);
      return file(UniqueFd(::open(itself.c_str(), kReadFile)), path, entry.guest, mode);
    }
    if (!S_ISDIR(info.st_mode)) return skip(path, kind_of(info.st_mode));
    if (entry.mode) warnings_.add(fmt::format("{}: 'mode' is for a file, and this is a directory", text_of(path)));
    return directory(UniqueFd(::open(itself.c_str(), kReadDirectory)), path, entry.guest, 0);
  }

 private:
  Result<> skip(std::string_view path, std::string_view why) {
    warnings_.add(fmt::format("{} is skipped: {}", text_of(path), why));
    return {};
  }

  static std::unexpected<Error> too_many() {
    return fail(ErrorCode::exhausted, fmt::format("a guest gets at most {} files", limits::kSyncObjects));
  }

  Result<> take(std::uint64_t bytes) {
    if (budget_.objects == 0) return too_many();
    if (bytes > budget_.bytes)
      return fail(ErrorCode::exhausted, fmt::format("a guest gets at most {}", format_size(limits::kSyncBytes)));
    --budget_.objects;
    budget_.bytes -= bytes;
    return {};
  }

  /// `mode`: nullopt for the file's own.
  Result<> file(UniqueFd fd, const std::string& path, const std::string& member, std::optional<mode_t> mode) {
    struct stat info{};
    if (!fd || ::fstat(fd.get(), &info) < 0) return errno == ENOENT ? Result<>() : skip(path, ::strerror(errno));
    if (!S_ISREG(info.st_mode)) return skip(path, kind_of(info.st_mode));
    if (member == kOwnFile) return skip(path, "banger writes this file of the guest itself");
    auto size = static_cast<std::uint64_t>(std::max<off_t>(info.st_size, 0));
    TRY(take(size));
    return visit_({.path = member, .mode = mode.value_or(info.st_mode & kPermissions), .bytes = size}, fd.get(), info);
  }

  Result<> directory(UniqueFd fd, const std::string& path, const std::string& member, std::size_t depth) {
    struct stat info{};
    if (!fd || ::fstat(fd.get(), &info) < 0) return errno == ENOENT ? Result<>() : skip(path, ::strerror(errno));
    if (depth >= limits::kSyncDepth)
      return skip(path, fmt::format("it is more than {} directories deep", limits::kSyncDepth));
    TRY(take(0));
    TRY(visit_({.path = member, .directory = true, .mode = info.st_mode & kPermissions}, -1, info));
    for (const auto& name : TRY(names_in(fd, path))) TRY(below(fd.get(), name, path, member, depth));
    return {};
  }

  Result<> below(int parent, const std::string& name, const std::string& around, const std::string& member,
                 std::size_t depth) {
    auto path = around + "/" + name, inner = member + "/" + name;
    struct stat info{};
    if (::fstatat(parent, name.c_str(), &info, AT_SYMLINK_NOFOLLOW) < 0)
      return errno == ENOENT ? Result<>() : skip(path, ::strerror(errno));
    if (inner.size() > limits::kPathBytes) return skip(path, "its path in the guest is too long");
    if (S_ISREG(info.st_mode))
      return file(UniqueFd(::openat(parent, name.c_str(), kReadFile | O_NOFOLLOW)), path, inner, std::nullopt);
    if (S_ISDIR(info.st_mode))
      return directory(UniqueFd(::openat(parent, name.c_str(), kReadDirectory | O_NOFOLLOW)), path, inner, depth + 1);
    return skip(path, kind_of(info.st_mode));
  }

  Result<std::vector<std::string>> names_in(const UniqueFd& fd, const std::string& path) {
    std::vector<std::string> names;
    std::error_code error;
    for (fs::directory_iterator at(host::path_of_fd(fd), error), end; !error && at != end; at.increment(error)) {
      if (names.size() > budget_.objects) return too_many();
      names.push_back(at->path().filename());
    }
    if (error) TRY(skip(path, error.message()));
    std::ranges::sort(names);
    return names;
  }

  const HostFiles& host_;
  SyncBudget& budget_;
  const VisitSynced& visit_;
  SyncWarnings& warnings_;
};

}  // namespace

void SyncWarnings::add(std::string sentence) {
  if (list_.size() < limits::kSyncWarnings)
    list_.push_back(std::move(sentence));
  else
    ++more_;
}

std::vector<std::string> SyncWarnings::take() {
  if (more_ > 0) list_.push_back(fmt::format("{} more warnings are not shown", more_));
  more_ = 0;
  return std::move(list_);
}

Result<> visit_synced(const config::FileSync& entry, const HostFiles& host, SyncBudget& budget,
                      const VisitSynced& visit, SyncWarnings& warnings) {
  return Walk(host, budget, visit, warnings).top(entry);
}

}  // namespace banger::capabilities

#include "roles/cli/workspace/cache.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <stdio.h>
#include <unistd.h>

#include <filesystem>

#include "host/files.h"
#include "host/paths.h"
#include "roles/cli/bounds.h"
#include "workspace/bounds.h"

namespace banger::roles::cli {

namespace {

constexpr std::size_t kDigits = 64;  // of a SHA-256

bool is_hex(const std::string& text) {
  return text.size() == kDigits && text.find_first_not_of("0123456789abcdef") == text.npos;
}

}  // namespace

WorkspaceCache::WorkspaceCache(const Io& io) {
  if (auto paths = host::find_paths(io.env)) directory_ = paths->cache + "/workspace";
}

std::string WorkspaceCache::path_of(std::string_view kind, std::string_view about) const {
  return fmt::format("{}/{}.{}", directory_, host::sha256_hex(about), kind);
}

std::string WorkspaceCache::load(std::string_view kind, std::string_view about) const {
  if (directory_.empty()) return "";
  return host::read_regular_file(path_of(kind, about), limits::kPreparedListBytes).value_or("");
}

// Without fsync: a crash only costs the time to do the work again.
void WorkspaceCache::store(std::string_view kind, std::string_view about, const std::string& text) const {
  if (directory_.empty() || !host::make_directories(directory_, 0700)) return;
  auto path = path_of(kind, about), fresh = fmt::format("{}.{}", path, ::getpid());
  auto file = host::open_file(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW);
  if (!file) return;
  if (!host::write_all(file->get(), text) || ::rename(fresh.c_str(), path.c_str()) < 0) ::unlink(fresh.c_str());
  prune();
}

// Files with other names are not ours.
void WorkspaceCache::prune() const {
  namespace fs = std::filesystem;
  std::error_code error;
  auto last = fs::file_time_type::clock::now() - limits::kWorkspaceCacheAge;
  for (fs::directory_iterator at(directory_, error), end; !error && at != end; at.increment(error)) {
    auto name = at->path().filename().string();
    std::error_code gone;
    if (is_hex(name.substr(0, kDigits)) && at->last_write_time(gone) < last && !gone) fs::remove(at->path(), gone);
  }
}

}  // namespace banger::roles::cli

#include "roles/cli/workspace/known_files.h"

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

KnownFiles::KnownFiles(const Io& io, const std::string& top) {
  auto paths = host::find_paths(io.env);
  if (!paths) return;
  directory_ = paths->cache + "/workspace";
  path_ = directory_ + "/" + host::sha256_hex(top);
}

std::string KnownFiles::load() const {
  return path_.empty() ? std::string() : host::read_regular_file(path_, limits::kPreparedListBytes).value_or("");
}

// Lists of checkouts that nobody uses any more. Files with other names are not ours.
void KnownFiles::prune() const {
  namespace fs = std::filesystem;
  std::error_code error;
  auto last = fs::file_time_type::clock::now() - limits::kKnownFilesAge;
  for (fs::directory_iterator at(directory_, error), end; !error && at != end; at.increment(error)) {
    auto name = at->path().filename().string();
    std::error_code gone;
    if (is_hex(name.substr(0, kDigits)) && at->last_write_time(gone) < last && !gone) fs::remove(at->path(), gone);
  }
}

// Without fsync: a crash only costs the time to read the files again.
void KnownFiles::store(const std::string& text) const {
  if (path_.empty() || !host::make_directories(directory_, 0700)) return;
  auto fresh = fmt::format("{}.{}", path_, ::getpid());
  auto file = host::open_file(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW);
  if (!file) return;
  if (!host::write_all(file->get(), text) || ::rename(fresh.c_str(), path_.c_str()) < 0) ::unlink(fresh.c_str());
  prune();
}

}  // namespace banger::roles::cli

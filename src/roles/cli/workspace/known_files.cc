#include "roles/cli/workspace/known_files.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <stdio.h>
#include <unistd.h>

#include "host/files.h"
#include "host/paths.h"
#include "workspace/bounds.h"

namespace banger::roles::cli {

KnownFiles::KnownFiles(const Io& io, const std::string& top) {
  auto paths = host::find_paths(io.env);
  if (!paths) return;
  directory_ = paths->cache + "/workspace";
  path_ = directory_ + "/" + host::sha256_hex(top);
}

std::string KnownFiles::load() const {
  return path_.empty() ? std::string() : host::read_regular_file(path_, limits::kPreparedListBytes).value_or("");
}

// Without fsync: a crash only costs the time to read the files again.
void KnownFiles::store(const std::string& text) const {
  if (path_.empty() || !host::make_directories(directory_, 0700)) return;
  auto fresh = fmt::format("{}.{}", path_, ::getpid());
  auto file = host::open_file(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW);
  if (!file) return;
  if (!host::write_all(file->get(), text) || ::rename(fresh.c_str(), path_.c_str()) < 0) ::unlink(fresh.c_str());
}

}  // namespace banger::roles::cli

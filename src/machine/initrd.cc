#include "machine/initrd.h"

#include <fcntl.h>
#include <sys/sendfile.h>
#include <unistd.h>

#include <cerrno>

#include "host/files.h"

namespace banger::machine {

namespace {

Result<> pad(int fd) {
  off_t end = ::lseek(fd, 0, SEEK_END);
  if (end < 0) return fail_errno("find the end");
  return host::write_all(fd, std::string(static_cast<std::size_t>(-end & 3), '\0'));
}

Result<> append(const std::string& archive, int to) {
  auto from = TRY(host::open_file(archive, O_RDONLY));
  for (;;) {
    ssize_t moved = ::sendfile(to, from.get(), nullptr, 1 << 20);
    if (moved < 0 && errno == EINTR) continue;
    if (moved < 0) return fail_errno(archive);
    if (moved == 0) return {};
  }
}

Result<> append_all(const std::vector<std::string>& archives, const std::string& path) {
  auto file = TRY(host::open_file(path, O_RDWR));
  TRY(pad(file.get()));
  for (std::size_t i = 1; i < archives.size(); ++i) {
    TRY(append(archives[i], file.get()));
    TRY(pad(file.get()));
  }
  return {};
}

}  // namespace

Result<> write_initrd(const std::vector<std::string>& archives, const std::string& path) {
  TRY(in("initrd", host::remove_file(path)));
  if (archives.empty()) return {};
  TRY(in("initrd", host::clone_file(archives.front(), path, 0600)));
  return in("initrd", append_all(archives, path));
}

}  // namespace banger::machine

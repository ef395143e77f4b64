#include "host/files.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>

#include "base/text.h"
#include "host/clone.h"
#include "host/digest.h"

namespace banger::host {

namespace fs = std::filesystem;

Result<UniqueFd> open_file(const std::string& path, int flags, mode_t mode) {
  UniqueFd fd(::open(path.c_str(), flags | O_CLOEXEC, mode));
  if (!fd) return fail_errno(path);
  return fd;
}

Result<std::string> read_file(const std::string& path, std::size_t max_bytes) {
  auto fd = TRY(open_file(path, O_RDONLY));
  return read_all(fd.get(), path, max_bytes);
}

Result<UniqueFd> open_regular_file(const std::string& path) {
  auto fd = TRY(open_file(path, O_RDONLY | O_NONBLOCK | O_NOCTTY));
  struct stat info{};
  if (::fstat(fd.get(), &info) < 0) return fail_errno(path);
  if (S_ISREG(info.st_mode)) return fd;
  return fail(ErrorCode::invalid,
              fmt::format("{} is {}", path, S_ISDIR(info.st_mode) ? "a directory, not a file" : "not a regular file"));
}

Result<std::string> read_regular_file(const std::string& path, std::size_t max_bytes) {
  auto fd = TRY(open_regular_file(path));
  return read_all(fd.get(), path, max_bytes);
}

Result<std::string> read_all(int fd, const std::string& path, std::size_t max_bytes) {
  std::string content;
  char buffer[16384];
  for (;;) {
    ssize_t got = ::read(fd, buffer, sizeof buffer);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail_errno(path);
    if (got == 0) return content;
    if (content.size() + static_cast<std::size_t>(got) > max_bytes)
      return fail(ErrorCode::exhausted, fmt::format("{}: larger than the limit of {}", path, format_size(max_bytes)));
    content.append(buffer, static_cast<std::size_t>(got));
  }
}

Result<> write_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    ssize_t put = ::write(fd, bytes.data(), bytes.size());
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) return fail_errno("write");
    bytes.remove_prefix(static_cast<std::size_t>(put));
  }
  return {};
}

Result<> write_file(const std::string& path, std::string_view content, mode_t mode) {
  std::string temporary = fmt::format("{}.{}.tmp", path, to_hex(random_bytes(4)));
  auto fd = TRY(open_file(temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode));
  auto written = in(path, write_all(fd.get(), content));
  if (written && ::fsync(fd.get()) < 0) written = fail_errno(path);
  if (written && ::rename(temporary.c_str(), path.c_str()) < 0) written = fail_errno(path);
  if (!written) ::unlink(temporary.c_str());
  return written;
}

Result<> make_directories(const std::string& path, mode_t mode) {
  if (path.size() > 1 && path.ends_with('/')) return make_directories(path.substr(0, path.size() - 1), mode);
  if (::mkdir(path.c_str(), mode) == 0) return {};
  int error = errno;
  fs::path parent = fs::path(path).parent_path();
  if (error == ENOENT && !parent.empty() && parent != path) {
    TRY(make_directories(parent.string(), 0755));
    if (::mkdir(path.c_str(), mode) == 0) return {};
    error = errno;
  }
  // Another process may have made the directory in the meantime, which is fine. A file in its place is not.
  struct stat info{};
  if (error == EEXIST && ::stat(path.c_str(), &info) == 0) {
    if (S_ISDIR(info.st_mode)) return {};
    error = ENOTDIR;
  }
  return fail_errno(path, error);
}

Result<> make_private_directory(const std::string& path) {
  TRY(make_directories(path, 0700));
  struct stat info{};
  if (::lstat(path.c_str(), &info) < 0) return fail_errno(path);
  if (!S_ISDIR(info.st_mode))
    return fail(ErrorCode::invalid, fmt::format("{} is not a directory", path), "move it away");
  if (info.st_uid != ::geteuid())
    return fail(ErrorCode::denied, fmt::format("{} belongs to another user (uid {})", path, info.st_uid),
                "give it back with chown, or point the XDG variables at your own directories");
  if ((info.st_mode & 077) && ::chmod(path.c_str(), 0700) < 0) return fail_errno(path);
  return {};
}

Result<> remove_tree(const std::string& path) {
  std::error_code error;
  fs::remove_all(path, error);
  if (error) return fail_errno(path, error.value());
  return {};
}

Result<> remove_file(const std::string& path) {
  if (::unlink(path.c_str()) < 0 && errno != ENOENT) return fail_errno(path);
  return {};
}

Result<> clone_file(const std::string& from, const std::string& to, mode_t mode) {
  return clone_file(from, to, mode, [] { return Result<>(); });
}

Result<> share_file(const std::string& from, const std::string& to) {
  auto part = to + ".part";
  TRY(remove_file(part));
  if (::link(from.c_str(), part.c_str()) < 0) TRY(clone_file(from, part));
  // A rename between two names of one file does nothing, and leaves both names.
  if (::rename(part.c_str(), to.c_str()) < 0) return fail_errno(to);
  return remove_file(part);
}

bool same_file(const std::string& one, const std::string& other) {
  struct stat first{}, second{};
  return ::stat(one.c_str(), &first) == 0 && ::stat(other.c_str(), &second) == 0 && first.st_dev == second.st_dev &&
         first.st_ino == second.st_ino;
}

Result<> make_sparse_file(const std::string& path, std::uint64_t size_bytes, mode_t mode) {
  auto fd = TRY(open_file(path, O_WRONLY | O_CREAT | O_EXCL, mode));
  if (::ftruncate(fd.get(), static_cast<off_t>(size_bytes)) < 0) {
    int error = errno;
    ::unlink(path.c_str());
    return fail_errno(path, error);
  }
  return {};
}

std::uint64_t disk_usage(const std::string& path) {
  struct stat info{};
  return ::stat(path.c_str(), &info) < 0 ? 0 : static_cast<std::uint64_t>(info.st_blocks) * 512;
}

Result<std::uint64_t> free_space(const std::string& path) {
  struct statvfs info{};
  if (::statvfs(path.c_str(), &info) < 0) return fail_errno(path);
  return static_cast<std::uint64_t>(info.f_bavail) * info.f_frsize;
}

Result<std::string> sha256_file(const std::string& path) {
  auto fd = TRY(open_file(path, O_RDONLY));
  Sha256 digest;
  auto buffer = std::make_unique<char[]>(1 << 18);
  for (;;) {
    ssize_t got = ::read(fd.get(), buffer.get(), 1 << 18);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail_errno(path);
    if (got == 0) return digest.finish();
    digest.add({buffer.get(), static_cast<std::size_t>(got)});
  }
}

std::string sha256_hex(std::string_view bytes) {
  Sha256 digest;
  digest.add(bytes);
  return digest.finish();
}

std::string random_bytes(std::size_t count) {
  std::string bytes(count, '\0');
  for (std::size_t done = 0; done < count;) {
    ssize_t got = ::getrandom(bytes.data() + done, count - done, 0);
    if (got > 0) done += static_cast<std::size_t>(got);
  }
  return bytes;
}

std::string random_id() {
  constexpr std::string_view kAlphabet = "abcdefghijklmnopqrstuvwxyz0123456789";
  std::string id;
  while (id.size() < 12)
    for (unsigned char byte : random_bytes(16))
      // 36 divides 252. Bytes from 252 on are drawn again, so that all characters are equally likely.
      if (byte < 252 && id.size() < 12) id += kAlphabet[byte % 36];
  return id;
}

}  // namespace banger::host

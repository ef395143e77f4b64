#include "roles/cli/export_bundle.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "base/text.h"
#include "host/files.h"
#include "host/runtime.h"
#include "roles/cli/io.h"
#include "roles/cli/output.h"

namespace banger::roles::cli {

namespace {

bool is_directory(const std::string& path) {
  struct stat info{};
  return ::stat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode);
}

Result<> taken(const std::string& path) {
  return fail(ErrorCode::exists, fmt::format("{} exists already", path), "delete it first, or choose another name");
}

Result<> write_durably(const image::catalog::BundleContent& content, int fd, const std::string& path) {
  TRY(in(path, image::catalog::write_bundle(content, fd)));
  if (::fsync(fd) < 0) return fail_errno(path);
  return {};
}

/// A pipe or a device, which is no file to protect.
bool is_special(const std::string& path) {
  struct stat info{};
  return ::stat(path.c_str(), &info) == 0 && !S_ISREG(info.st_mode);
}

Result<> write_special(const image::catalog::BundleContent& content, const std::string& path) {
  auto file = TRY(host::open_file(path, O_WRONLY));
  return in(path, image::catalog::write_bundle(content, file.get()));
}

Error with_room_hint(Error error) {
  if (error.code != ErrorCode::exhausted || !error.hint.empty()) return error;
  return std::move(error).with_hint("free some space there, or choose another place with -o");
}

/// A file that gets its name at the end.
Result<> write_unnamed(const image::catalog::BundleContent& content, int fd, const std::string& path) {
  TRY(write_durably(content, fd, path));
  if (::linkat(AT_FDCWD, fmt::format("/proc/self/fd/{}", fd).c_str(), AT_FDCWD, path.c_str(), AT_SYMLINK_FOLLOW) == 0)
    return {};
  return errno == EEXIST ? taken(path) : fail_errno(path);
}

Result<> write_file(const image::catalog::BundleContent& content, const std::string& path) {
  auto slash = path.rfind('/');
  std::string parent = slash == path.npos ? "." : path.substr(0, slash + 1);
  if (is_special(path)) return write_special(content, path);
  if (::access(path.c_str(), F_OK) == 0) return taken(path);
  if (UniqueFd file(::open(parent.c_str(), O_TMPFILE | O_WRONLY | O_CLOEXEC, 0644)); file)
    return write_unnamed(content, file.get(), path);
  auto file = TRY(host::open_file(path, O_WRONLY | O_CREAT | O_EXCL, 0644));
  auto written = write_durably(content, file.get(), path);
  if (!written) ::unlink(path.c_str());
  return written;
}

}  // namespace

Result<int> export_bundle(Context& context, const image::catalog::BundleContent& content) {
  std::string path = context.args.text("output").value_or(".");
  if (path == "-") {
    if (context.io.out_is_terminal()) return context.usage("a bundle is not text, and standard output is a terminal");
    TRY(in("standard output", image::catalog::write_bundle(content, context.io.out)));
    return exit_status::kOk;
  }
  if (is_directory(path)) path = (path == "." ? "" : path + "/") + image::catalog::bundle_file_name(content.manifest);
  if (auto written = write_file(content, path); !written)
    return std::unexpected(with_room_hint(std::move(written).error()));
  context.io.print(safe_text(path) + "\n");
  return exit_status::kOk;
}

Result<Stores> Stores::open(const Io& io) {
  auto paths = TRY(host::find_paths(io.env));
  auto path = io.env("PATH").value_or("/usr/local/bin:/usr/bin:/bin");
  Stores stores{.runtime = std::make_unique<host::Runtime>(), .images = {}, .kernels = {}};
  stores.images = std::make_unique<image::ImageStore>(*stores.runtime, paths.images(), paths.cache, path);
  stores.kernels = std::make_unique<image::KernelStore>(*stores.runtime, paths.kernels(), paths.cache, path);
  return stores;
}

}  // namespace banger::roles::cli

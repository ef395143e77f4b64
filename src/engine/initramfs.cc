#include "engine/initramfs.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>

#include "engine/bounds.h"
#include "guestcfg/cpio.h"
#include "host/files.h"

namespace banger::engine {

namespace {

// This path works even after an upgrade has replaced the file. So the guest's agent always has the daemon's build.
constexpr const char* kSelf = "/proc/self/exe";

Result<std::string> build_archive(const std::string& init, const image::Kernel& kernel) {
  auto executable = TRY(host::read_file(init, limits::kAgentProgramBytes));
  guestcfg::CpioWriter cpio;
  for (const char* directory : {"dev", "proc", "sys", "run", "newroot", "banger", "banger/modules"})
    cpio.directory(directory);
  // The kernel opens /dev/console for init before anything is mounted.
  cpio.device("dev/console", 0020600, 5, 1);
  cpio.file("init", executable, 0755);
  for (std::size_t i = 0; i < kernel.modules.size(); ++i) {
    auto module = TRY(host::read_file(kernel.modules[i], limits::kEarlyModuleBytes));
    auto name = std::filesystem::path(kernel.modules[i]).filename().string();
    cpio.file(fmt::format("banger/modules/{:03}-{}", i, name), module);
  }
  return std::move(cpio).finish();
}

// The file has no name until it is complete, so a kill in between leaves nothing behind.
Result<> publish(const std::string& directory, const std::string& path, std::string_view content) {
  UniqueFd fd(::open(directory.c_str(), O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600));
  if (!fd && errno == EOPNOTSUPP) return host::write_file(path, content);
  if (!fd) return fail_errno(directory);
  TRY(in(path, host::write_all(fd.get(), content)));
  auto name = fmt::format("/proc/self/fd/{}", fd.get());
  // Another daemon of this user may have been first; its archive is the same.
  if (::linkat(AT_FDCWD, name.c_str(), AT_FDCWD, path.c_str(), AT_SYMLINK_FOLLOW) < 0 && errno != EEXIST)
    return fail_errno(path);
  return {};
}

Result<> make_archive(const std::string& path, const std::string& init, const image::Kernel& kernel) {
  auto directory = std::filesystem::path(path).parent_path().string();
  TRY(host::make_private_directory(directory));
  return publish(directory, path, TRY(build_archive(init, kernel)));
}

}  // namespace

Initramfs::Initramfs(host::Runtime& runtime, const host::Paths& paths, std::string executable)
    : runtime_(runtime),
      directory_(paths.cache + "/initramfs"),
      executable_(executable.empty() ? kSelf : std::move(executable)),
      making_(runtime) {}

Task<Result<std::string>> Initramfs::agent_archive(const image::Kernel& kernel) {
  auto turn = co_await making_.lock();
  if (build_.empty())
    build_ = CO_TRY(co_await runtime_.blocking([&] { return host::sha256_file(executable_); })).substr(0, 16);
  std::string path =
      fmt::format("{}/{}-{:x}-{}.cpio", directory_, kernel.sha256.substr(0, 16), kernel.created_at, build_);
  if (::access(path.c_str(), R_OK) == 0) co_return path;
  CO_TRY(in("make the agent's initramfs",
            co_await runtime_.blocking([&] { return make_archive(path, executable_, kernel); })));
  co_return path;
}

}  // namespace banger::engine

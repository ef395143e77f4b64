// KernelStore::pull and ::import: make a directory in the store from a package or from files.
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <ctime>
#include <filesystem>

#include "base/text.h"
#include "host/files.h"
#include "image/apt/apt.h"
#include "image/apt/deb.h"
#include "image/bounds.h"
#include "image/kernel/manifest.h"
#include "image/kernel/modules.h"
#include "image/kernel/modules_image.h"
#include "image/kernel/store.h"
#include "image/staged_directory.h"

namespace banger::image {

namespace {

constexpr std::string_view kCloudPackage = "linux-image-cloud-amd64", kImagePackagePrefix = "linux-image-";

/// The paths of a kernel's parts before they are put together.
struct KernelParts {
  std::string source;
  std::string image;    ///< ELF or bzImage
  std::string modules;  ///< a tree; may be empty
  std::string scratch;  ///< a directory, which assemble() may use and the caller removes
  std::string initrd;   ///< may be empty
};

Result<> copy_file(const std::string& from, const std::string& to) {
  struct stat info{};
  if (::stat(from.c_str(), &info) < 0) return fail_errno(from);
  if (!S_ISREG(info.st_mode)) return fail(ErrorCode::invalid, fmt::format("{} is not a file", from));
  return host::clone_file(from, to, 0644);
}

/// `modules` may be the tree itself, or a /lib/modules or a root directory with several releases in it.
std::string tree_of_release(const std::string& modules, const std::string& release) {
  std::error_code error;
  if (!release.empty())
    for (const char* below : {"/", "/lib/modules/", "/usr/lib/modules/"})
      if (auto path = modules + below + release; std::filesystem::is_directory(path, error)) return path;
  return modules;
}

/// Fills the staged directory; blocking.
Result<> assemble(const StagedDirectory& directory, const KernelParts& parts) {
  Kernel kernel;
  kernel.source = parts.source;
  kernel.created_at = std::time(nullptr);
  {
    auto image = TRY(host::read_file(parts.image, limits::kKernelImageBytes));
    auto vmlinux = TRY(in(parts.image, unpack_vmlinux(image)));
    kernel.release = release_of_vmlinux(vmlinux);
    kernel.sha256 = host::sha256_hex(vmlinux);
    TRY(host::write_file(directory.file("vmlinux"), vmlinux, 0644));
  }
  std::vector<std::string> modules;
  if (!parts.modules.empty()) {
    auto tree = tree_of_release(parts.modules, kernel.release);
    modules = TRY(collect_early_modules(tree, directory.file("modules"), kernel.release));
    auto image = directory.file("modules.ext4");
    if (TRY(make_modules_image(tree, kernel.release, parts.scratch, image))) kernel.modules_image = image;
  }
  if (!parts.initrd.empty()) {
    TRY(copy_file(parts.initrd, directory.file("initrd")));
    kernel.initrd = directory.file("initrd");
  }
  return write_kernel_manifest(directory.file("manifest.json"), kernel, modules);
}

/// Kernel packages hold boot/vmlinuz-RELEASE and [usr/]lib/modules/RELEASE/**.ko[.xz], with lists of the built-in
/// modules. File names are unique in a package.
std::optional<std::string> wanted_of_package(std::string_view path) {
  if (path.starts_with("boot/vmlinuz-")) return "vmlinuz";
  if (path.starts_with("usr/")) path.remove_prefix(4);
  auto name = path.substr(path.rfind('/') + 1);
  bool module = path.starts_with("lib/modules/") && (name.find(".ko") != name.npos || name.starts_with("modules."));
  return module ? std::optional(std::string(name)) : std::nullopt;
}

Result<> unpack_package(const StagedDirectory& into, const std::string& scratch, const std::string& deb,
                        const std::string& source) {
  std::string tree = scratch + "/unpacked";
  TRY(host::make_directories(tree, 0700));
  auto fd = TRY(host::open_file(deb, O_RDONLY));
  TRY(in(deb, extract_deb(fd.get(), tree, wanted_of_package)));
  if (::access((tree + "/vmlinuz").c_str(), R_OK) < 0)
    return fail(ErrorCode::corrupt, fmt::format("{}: there is no kernel in the package", source));
  return assemble(
      into,
      {.source = source, .image = tree + "/vmlinuz", .modules = tree, .scratch = scratch + "/indexed", .initrd = {}});
}

struct Found {
  AptPackage package;
  std::string deb;
};

/// Uses the host's package lists. If they are missing or too old for a download, uses private lists.
Task<Result<Found>> fetch(Apt& apt, std::string directory, StageProgress progress, host::Cancel& cancel) {
  auto report = [progress](std::string_view detail, int percent) { progress("download", detail, percent); };
  Error first;
  for (bool own_lists : {false, true}) {
    if (own_lists) {
      progress("download", "package lists", -1);
      if (auto updated = co_await apt.use_private_lists(); !updated)
        co_return std::unexpected(cancel.requested() || first.message.empty() ? std::move(updated.error())
                                                                              : std::move(first));
    }
    auto package = co_await apt.dependency_of(std::string(kCloudPackage), std::string(kImagePackagePrefix));
    if (package) {
      report(package->name, 0);
      auto deb = co_await apt.download(*package, directory, report);
      if (deb) co_return Found{*package, *deb};
      first = std::move(deb.error());
    } else {
      first = std::move(package.error());
    }
    CO_TRY(cancel.check());
  }
  co_return std::unexpected(std::move(first));
}

}  // namespace

Task<Result<Kernel>> KernelStore::pull(std::string name, StageProgress progress, host::Cancel& cancel) {
  auto can_pull = pullable();
  if (std::find(can_pull.begin(), can_pull.end(), name) == can_pull.end())
    co_return fail(ErrorCode::not_found, fmt::format("no kernel '{}' can be pulled", printable(name, 80)),
                   fmt::format("these can be pulled: {}", join(can_pull, ", ")));
  Apt apt(runtime_, path_variable_, cache_directory_ + "/apt", cancel);
  CO_TRY(apt.check());
  auto scratch = CO_TRY(StagedDirectory::make(cache_directory_ + "/kernel-pull", name));
  auto found = CO_TRY(in(fmt::format("pull kernel '{}'", name), co_await fetch(apt, scratch.path(), progress, cancel)));

  progress("unpack", found.package.name, -1);
  auto staged = CO_TRY(StagedDirectory::make(directory_, name));
  std::string source = fmt::format("apt:{} {}", found.package.name, found.package.version);
  CO_TRY(in(fmt::format("pull kernel '{}'", name),
            co_await runtime_.blocking([&] { return unpack_package(staged, scratch.path(), found.deb, source); })));
  CO_TRY(cancel.check());
  CO_TRY(co_await runtime_.blocking([&] { return std::move(staged).replace(directory_ + "/" + name); }));
  co_return get(name);
}

Task<Result<Kernel>> KernelStore::import(std::string name, std::string vmlinux, std::string modules, std::string initrd,
                                         StageProgress progress, host::Cancel& cancel) {
  CO_TRY(check_store_name("kernel", name));
  std::string final_path = directory_ + "/" + name;
  auto taken = fail(ErrorCode::exists, fmt::format("a kernel named '{}' exists already", name),
                    "delete it first, or choose another name");
  if (::access(final_path.c_str(), F_OK) == 0) co_return taken;
  progress("unpack", vmlinux, -1);
  auto staged = CO_TRY(StagedDirectory::make(directory_, name));
  auto scratch = CO_TRY(StagedDirectory::make(cache_directory_ + "/kernel-pull", name));
  KernelParts parts{.source = "import",
                    .image = std::move(vmlinux),
                    .modules = std::move(modules),
                    .scratch = scratch.file("indexed"),
                    .initrd = std::move(initrd)};
  CO_TRY(
      in(fmt::format("import kernel '{}'", name), co_await runtime_.blocking([&] { return assemble(staged, parts); })));
  CO_TRY(cancel.check());
  auto committed = co_await runtime_.blocking([&] { return std::move(staged).commit(final_path); });
  if (!committed)
    co_return committed.error().code == ErrorCode::exists ? taken : std::unexpected(std::move(committed.error()));
  co_return get(name);
}

}  // namespace banger::image

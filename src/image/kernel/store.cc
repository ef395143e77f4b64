// KernelStore: lists, reads and removes kernels. add.cc adds them.
#include "image/kernel/store.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/json.h"
#include "base/text.h"
#include "host/files.h"
#include "image/bounds.h"
#include "image/kernel/manifest.h"
#include "image/staged_directory.h"

namespace banger::image {

namespace {

bool exists(const std::string& path) {
  struct stat info{};
  return ::stat(path.c_str(), &info) == 0;
}

/// A manifest names files in its own directory. A name that could lead elsewhere is refused.
Result<> check_file_name(std::string_view name) {
  if (name.empty() || name.find('/') != name.npos || name.starts_with('.'))
    return fail(ErrorCode::corrupt, fmt::format("bad file name '{}'", printable(name)));
  return {};
}

Result<Kernel> decode(const std::string& directory, const Json& json) {
  Kernel kernel;
  kernel.source = TRY(get_string(json, "source"));
  kernel.release = TRY(get_string(json, "release"));
  kernel.sha256 = TRY(get_string(json, "sha256"));
  kernel.created_at = TRY(get_int(json, "created_at"));
  kernel.vmlinux = directory + "/vmlinux";
  for (const auto& module : TRY(find_strings(json, "modules"))) {
    TRY(check_file_name(module));
    kernel.modules.push_back(directory + "/modules/" + module);
  }
  if (TRY(find_bool(json, "initrd")).value_or(false)) kernel.initrd = directory + "/initrd";
  if (TRY(find_bool(json, "modules_image")).value_or(false)) kernel.modules_image = directory + "/modules.ext4";
  return kernel;
}

Result<> check_files(Kernel& kernel) {
  std::vector<std::string> files = kernel.modules;
  files.push_back(kernel.vmlinux);
  for (const auto& optional : {kernel.initrd, kernel.modules_image})
    if (!optional.empty()) files.push_back(optional);
  for (const auto& file : files) {
    if (!exists(file)) return fail(ErrorCode::corrupt, fmt::format("{} is missing", file));
    kernel.size_bytes += host::disk_usage(file);
  }
  return {};
}

Result<Kernel> read_kernel(const std::string& directory, const std::string& name) {
  auto text = TRY(host::read_file(directory + "/manifest.json", limits::kManifestBytes));
  auto json = TRY(in(directory + "/manifest.json", parse_json(text, limits::kManifestBytes)));
  auto kernel = TRY(in(directory + "/manifest.json", decode(directory, json)));
  kernel.name = name;
  TRY(check_files(kernel));
  return kernel;
}

}  // namespace

Result<> write_kernel_manifest(const std::string& path, const Kernel& kernel,
                               const std::vector<std::string>& module_files) {
  Json json{{"version", 1},
            {"source", kernel.source},
            {"release", kernel.release},
            {"sha256", kernel.sha256},
            {"created_at", kernel.created_at},
            {"modules", module_files},
            {"initrd", !kernel.initrd.empty()},
            {"modules_image", !kernel.modules_image.empty()}};
  return host::write_file(path, dump_json_pretty(json) + "\n", 0644);
}

KernelStore::KernelStore(host::Runtime& runtime, std::string directory, std::string cache_directory,
                         std::string path_variable)
    : runtime_(runtime),
      directory_(std::move(directory)),
      cache_directory_(std::move(cache_directory)),
      path_variable_(std::move(path_variable)) {}

Result<std::vector<Kernel>> KernelStore::list() const {
  std::vector<Kernel> kernels;
  for (const auto& name : store_entries(directory_))
    if (auto kernel = read_kernel(directory_ + "/" + name, name)) kernels.push_back(std::move(*kernel));
  return kernels;
}

Result<Kernel> KernelStore::get(std::string_view name) const {
  auto entries = store_entries(directory_);
  if (std::find(entries.begin(), entries.end(), name) == entries.end()) {
    auto all = entries;
    for (auto& pullable_name : pullable())
      if (std::find(all.begin(), all.end(), pullable_name) == all.end()) all.push_back(std::move(pullable_name));
    std::string hint = did_you_mean(name, all);
    auto can_pull = pullable();
    if (std::find(can_pull.begin(), can_pull.end(), name) != can_pull.end())
      hint = fmt::format("banger kernel pull {}", name);
    if (hint.empty()) hint = "'banger kernel list' names the kernels, and 'banger kernel catalog' those to pull";
    return fail(ErrorCode::not_found, fmt::format("no kernel '{}'", printable(name, 80)), std::move(hint));
  }
  auto kernel = read_kernel(directory_ + "/" + std::string(name), std::string(name));
  if (kernel) return kernel;
  auto error = std::move(kernel.error()).in(fmt::format("kernel '{}' is damaged", name));
  error.code = ErrorCode::corrupt;
  return std::unexpected(std::move(error).with_hint(
      fmt::format("delete it with 'banger kernel delete {}' and pull or import it again", name)));
}

std::vector<std::string> KernelStore::pullable() const { return {"debian-cloud"}; }

Task<Result<>> KernelStore::remove(std::string name) {
  CO_TRY(check_store_name("kernel", name));
  auto entries = store_entries(directory_);
  if (std::find(entries.begin(), entries.end(), name) == entries.end())
    co_return fail(ErrorCode::not_found, fmt::format("no kernel '{}'", name), did_you_mean(name, entries));
  auto taken = CO_TRY(take_out(directory_, name));
  co_return co_await runtime_.blocking([&] { return image::remove(std::move(taken)); });
}

std::vector<std::string> KernelStore::leftovers() const {
  auto paths = staged_leftovers(directory_);
  auto cached = staged_leftovers(cache_directory_ + "/kernel-pull");
  paths.insert(paths.end(), cached.begin(), cached.end());
  return paths;
}

}  // namespace banger::image

#include "image/kernel/modules_image.h"

#include <fmt/format.h>

#include <filesystem>

#include "ext4/ext4.h"
#include "host/files.h"
#include "host/run_tool.h"
#include "image/bounds.h"
#include "image/kernel/modules.h"

namespace banger::image {

namespace {

namespace fs = std::filesystem;

// The lists of built-in modules, which depmod reads. modprobe then knows that these modules are present.
bool is_list(const std::string& name) {
  return name == "modules.builtin" || name == "modules.builtin.modinfo" || name == "modules.order";
}

Result<> add(const std::string& from, const std::string& to) {
  std::error_code error;
  fs::create_hard_link(from, to, error);
  if (!error || error == std::errc::file_exists) return {};
  return host::clone_file(from, to, 0644);
}

// One directory is enough: modules are found by name, which is unique in a kernel.
Result<std::size_t> gather(const std::string& tree, const std::string& into) {
  TRY(host::make_directories(into + "/kernel", 0755));
  for (const auto& [name, file] : TRY(find_modules(tree)))
    TRY(add(file, fmt::format("{}/kernel/{}", into, fs::path(file).filename().native())));
  std::error_code error;
  for (fs::directory_iterator at(tree, error), end; !error && at != end; at.increment(error))
    if (is_list(at->path().filename()) && at->is_regular_file(error))
      TRY(add(at->path(), fmt::format("{}/{}", into, at->path().filename().native())));
  return static_cast<std::size_t>(std::distance(fs::directory_iterator(into + "/kernel"), fs::directory_iterator()));
}

}  // namespace

Result<bool> make_modules_image(const std::string& tree, const std::string& release, const std::string& scratch,
                                const std::string& path) {
  if (release.empty()) return false;
  auto directory = fmt::format("{}/lib/modules/{}", scratch, release);
  if (TRY(gather(tree, directory)) == 0) return false;
  auto indexed = host::run_tool({"depmod", "--basedir", scratch, release}, limits::kDepmodDeadline);
  if (!indexed && indexed.error().code == ErrorCode::not_found) return false;
  if (!indexed) return std::unexpected(std::move(indexed).error().in("index the kernel's modules"));
  TRY(ext4::write_ext4_from_directory(
      directory, path, {.label = "banger-modules", .uuid_seed = "modules " + release, .journal = false}));
  return true;
}

}  // namespace banger::image

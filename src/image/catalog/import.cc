// ImageStore::import_bundle and KernelStore::import_bundle: from a bundle to a complete directory of a store.
#include <fmt/format.h>
#include <unistd.h>

#include <ctime>

#include "base/text.h"
#include "host/files.h"
#include "image/bounds.h"
#include "image/catalog/bundle.h"
#include "image/complete.h"
#include "image/kernel/manifest.h"
#include "image/manifest.h"
#include "image/names.h"
#include "image/staged_directory.h"

namespace banger::image {

namespace {

using catalog::BundleKind;
using catalog::BundleManifest;

std::string source_of(const BundleManifest& manifest) {
  return "bundle:" + catalog::bundle_id(to_text(manifest)).substr(0, 12);
}

std::unexpected<Error> taken(std::string_view name) {
  return fail(ErrorCode::exists, fmt::format("the kernel '{}' exists already", name),
              "delete it first, or choose another name");
}

Result<Image> read_image_bundle(int bundle, const StagedDirectory& staged, Image image, const StopFlag* stop) {
  auto manifest = TRY(catalog::read_bundle(bundle, BundleKind::image, staged.path(), stop));
  if (image.name.empty()) image.name = manifest.name;
  if (image.source.empty()) image.source = source_of(manifest);
  image.kernel = manifest.kernel;
  image.run_config = manifest.run_config;
  return image;
}

/// Completes the directory around the members of a bundle.
Result<> finish_kernel(const StagedDirectory& staged, const BundleManifest& manifest, const std::string& source) {
  // The kernel that is booted is looked at here; the release in the manifest is only what its maker wrote there.
  auto vmlinux = TRY(host::read_file(staged.file("vmlinux"), limits::kKernelImageBytes));
  if (TRY(in("vmlinux", unpack_vmlinux(vmlinux))) != vmlinux)
    return fail(ErrorCode::invalid, "vmlinux is a packed kernel", "import it with 'banger kernel import --vmlinux'");
  Kernel kernel{.source = source.empty() ? source_of(manifest) : source, .release = release_of_vmlinux(vmlinux)};
  kernel.sha256 = host::sha256_hex(vmlinux);
  kernel.created_at = std::time(nullptr);
  std::vector<std::string> modules;
  for (const auto& member : manifest.members) {
    if (member.name.starts_with("modules/")) modules.push_back(member.name.substr(member.name.find('/') + 1));
    if (member.name == "modules.ext4") kernel.modules_image = staged.file(member.name);
    if (member.name == "initrd") kernel.initrd = staged.file(member.name);
  }
  return write_kernel_manifest(staged.file("manifest.json"), kernel, modules);
}

}  // namespace

Task<Result<Image>> ImageStore::import_bundle(BundleImport how, UniqueFd bundle, StageProgress progress,
                                              host::Cancel& cancel) {
  if (!how.name.empty()) CO_TRY(check_store_name("image", how.name));
  Image image{.id = host::random_id(), .name = how.name, .source = how.source};
  auto staged = CO_TRY(StagedDirectory::make(directory_, image.id));
  progress("unpack", "", -1);
  auto read = [&](const StopFlag* stop) { return read_image_bundle(bundle.get(), staged, image, stop); };
  image = CO_TRY(in("import a bundle", co_await stoppable(runtime_, cancel, read)));
  CO_TRY(cancel.check());
  if (how.taken == NameTaken::refuse) CO_TRY(check_free(image.name));
  progress("finish", "", -1);
  auto context = fmt::format("import image '{}'", image.name);
  auto complete = [&](const StopFlag* stop) { return complete_image(staged, image, std::time(nullptr), stop); };
  image = CO_TRY(in(context, co_await stoppable(runtime_, cancel, complete)));
  CO_TRY(cancel.check());
  co_return co_await publish(std::move(staged), std::move(image), how.taken);
}

Task<Result<Kernel>> KernelStore::import_bundle(BundleImport how, UniqueFd bundle, StageProgress progress,
                                                host::Cancel& cancel) {
  auto name = how.name;
  if (!name.empty()) CO_TRY(check_store_name("kernel", name));
  auto staged = CO_TRY(StagedDirectory::make(directory_, name.empty() ? "bundle" : name));
  progress("unpack", "", -1);
  auto read = [&](const StopFlag* stop) {
    return catalog::read_bundle(bundle.get(), BundleKind::kernel, staged.path(), stop);
  };
  auto manifest = CO_TRY(in("import a bundle", co_await stoppable(runtime_, cancel, read)));
  CO_TRY(cancel.check());
  if (name.empty()) name = manifest.name;
  std::string final_path = directory_ + "/" + name;
  bool replace = how.taken == NameTaken::replace;
  if (!replace && ::access(final_path.c_str(), F_OK) == 0) co_return taken(name);
  auto context = fmt::format("import kernel '{}'", name);
  CO_TRY(in(context, co_await runtime_.blocking([&] { return finish_kernel(staged, manifest, how.source); })));
  CO_TRY(cancel.check());
  auto committed = co_await runtime_.blocking(
      [&] { return replace ? std::move(staged).replace(final_path) : std::move(staged).commit(final_path); });
  if (!committed)
    co_return committed.error().code == ErrorCode::exists ? taken(name) : std::unexpected(std::move(committed.error()));
  co_return get(name);
}

}  // namespace banger::image

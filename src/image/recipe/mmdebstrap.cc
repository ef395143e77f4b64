#include <fmt/format.h>

#include "base/text.h"
#include "image/embedded_files.h"
#include "image/recipe/recipe.h"

namespace banger::image {

namespace {

constexpr std::string_view kTidy = find_embedded(kEmbeddedFiles, "images/tidy.sh")->text;

std::string write_file_hook(const RecipeFile& file) {
  auto path = shell_quote(file.path);
  return fmt::format("install -D -m {:04o} /dev/null \"$1\"{} && printf %s {} > \"$1\"{}", file.mode, path,
                     shell_quote(file.text), path);
}

std::string mask_hook(const std::vector<std::string>& units) {
  std::string hook = "chroot \"$1\" systemctl mask";
  for (const auto& unit : units) hook += " " + shell_quote(unit);
  return hook;
}

}  // namespace

std::vector<std::string> mmdebstrap_command(const RecipePlan& plan, const CopiedKeys& keys) {
  // --mode=unshare is right for both cases. For a user it makes the user namespace. For root it separates the build's
  // mounts from the host's.
  std::vector<std::string> argv = {
      "mmdebstrap", "--mode=unshare", "--format=tar", "--variant=" + plan.variant,
      "--aptopt=Acquire::Languages \"none\"",
      // A disposable disk needs no fsync after each file, neither in the build nor in the guest.
      "--dpkgopt=force-unsafe-io"};
  if (!plan.packages.empty()) argv.push_back("--include=" + join(plan.packages, ","));
  for (const auto& pattern : plan.exclude) argv.push_back("--dpkgopt=path-exclude=" + pattern);
  for (const auto& pattern : plan.include) argv.push_back("--dpkgopt=path-include=" + pattern);
  for (const auto& key : keys) {
    auto parent = key.substr(0, key.rfind('/'));
    argv.push_back(fmt::format("--setup-hook=mkdir -p \"$1\"{}", shell_quote(parent)));
    argv.push_back(fmt::format("--setup-hook=upload {0} {0}", shell_quote(key)));
  }
  for (const auto& file : plan.files) argv.push_back("--customize-hook=" + write_file_hook(file));
  if (!plan.masked_units.empty()) argv.push_back("--customize-hook=" + mask_hook(plan.masked_units));
  for (const auto& command : plan.commands)
    argv.push_back(fmt::format("--customize-hook=chroot \"$1\" sh -euc {}", shell_quote(command)));
  argv.push_back("--customize-hook=" + std::string(kTidy));
  argv.insert(argv.end(), {plan.suite, "-", "-"});
  return argv;
}

}  // namespace banger::image

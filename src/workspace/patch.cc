#include "workspace/patch.h"

#include <fcntl.h>
#include <fmt/format.h>

#include <algorithm>
#include <ranges>

#include "base/text.h"
#include "host/files.h"
#include "workspace/bounds.h"
#include "workspace/checkout.h"

namespace banger::workspace {

namespace {

std::vector<const char*> options_of(Form form) {
  if (form == Form::stat) return {"--stat", "--summary"};
  if (form == Form::names) return {"--name-only"};
  return {"-p", "--binary", "--full-index", "--src-prefix=a/", "--dst-prefix=b/"};
}

Result<> check_paths(const std::vector<std::string>& paths) {
  for (const auto& path : paths)
    if (!is_tree_name(path))
      return fail(ErrorCode::invalid, fmt::format("'{}' is no path in a repository", printable(path)),
                  "write it relative to the top of the repository");
  return {};
}

}  // namespace

Result<Patch> make_patch(const Comparison& comparison, const std::string& directory, const PatchWish& wish) {
  TRY(check_paths(wish.paths));
  Patch patch{.file = directory + "/patch", .nested = comparison.nested(), .index_damage = comparison.index_damage()};
  auto out = TRY(host::open_file(patch.file, O_WRONLY | O_CREAT | O_TRUNC));
  TRY(comparison.write(options_of(wish.form), wish.paths, out.get()));
  return patch;
}

Result<> check_clean(const host::GetEnv& env, const std::string& path, const StopFlag* stop) {
  auto checkout = TRY(Checkout::find(env, path, stop));
  auto git = TRY(Git::of_user(env, checkout.top, stop));
  auto status =
      TRY(git.run({"status", "--porcelain", "-z", "--untracked-files=no", "--ignore-submodules=all", "--no-renames"}));
  auto changes = records_of(status);
  if (changes.empty()) return {};
  std::string names;
  for (auto change : changes | std::views::take(limits::kNamedFiles))
    names += fmt::format("{}{}", names.empty() ? "" : ", ",
                         printable(change.substr(std::min<std::size_t>(3, change.size()))));
  return fail(ErrorCode::busy,
              fmt::format("{} has {} changes of its own: {}{}", printable(checkout.top), changes.size(), names,
                          changes.size() > limits::kNamedFiles ? ", …" : ""),
              "commit or stash them first; or write the patch to a file with --output");
}

Result<> apply_patch(const host::GetEnv& env, const std::string& path, const std::string& patch, const StopFlag* stop) {
  TRY(check_clean(env, path, stop));
  auto checkout = TRY(Checkout::find(env, path, stop));
  auto git = TRY(Git::of_user(env, checkout.top, stop));
  auto applied = git.run({"apply", "--index", "--whitespace=nowarn", "--no-ignore-whitespace", "-p1", patch},
                         {.to_its_end = true});
  if (applied) return {};
  return std::unexpected(
      std::move(applied.error())
          .in(fmt::format("nothing was applied to {}", printable(checkout.top)))
          .with_hint(
              "the patch begins at the commit that was prepared: check that out; or, if you have committed an earlier "
              "patch, 'banger vm workspace prepare' makes it the new beginning"));
}

}  // namespace banger::workspace

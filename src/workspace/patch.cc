#include "workspace/patch.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <ranges>

#include "base/text.h"
#include "host/files.h"
#include "workspace/bounds.h"
#include "workspace/checkout.h"
#include "workspace/guest_objects.h"
#include "workspace/manifest.h"
#include "workspace/quarantine.h"

namespace banger::workspace {

namespace {

std::vector<const char*> options_of(Form form) {
  if (form == Form::stat) return {"--stat", "--summary"};
  if (form == Form::names) return {"--name-only"};
  return {"-p", "--binary", "--full-index", "--src-prefix=a/", "--dst-prefix=b/"};
}

class Comparison {
 public:
  Comparison(Git git, std::string own, std::string guest, std::string tree)
      : git_(std::move(git)), own_(std::move(own)), guest_(std::move(guest)), tree_(std::move(tree)) {}

  Result<> begin(const PatchWish& wish) {
    auto base = wish.base.empty() ? TRY(prepared_base()) : wish.base;
    head_ = TRY(head_of(guest_));
    bool sha256 = head_.size() == 64 || base.size() == 64;
    TRY(git_.run({"init", "-q", "--bare", "--template=", "--initial-branch=main",
                  sha256 ? "--object-format=sha256" : "--object-format=sha1"}));
    // Only the rules of git itself for line ends count: no filter, and no rule for the form of a patch.
    TRY(host::make_directories(own_ + "/info", 0700));
    TRY(host::write_file(own_ + "/info/attributes", "* !filter !diff\n"));
    TRY(take_objects(git_, own_, guest_));
    if (!head_.empty()) TRY(git_.run({"update-ref", "--no-deref", "HEAD", head_}));
    base_ = base.empty() ? TRY(empty_tree()) : TRY(find_tree(base));
    TRY(git_.run({"read-tree", base_}));
    return {};
  }

  /// Brings the index to the state of the tree.
  Result<> add() const {
    TRY(git_.run({"add", "-A", "--", "."}, in_tree()));
    // Files that are committed although git ignores them.
    std::string names = TRY(committed());
    if (!names.empty()) {
      auto how = in_tree();
      how.input = names;
      TRY(git_.run({"update-index", "-z", "--add", "--stdin"}, how));
    }
    return {};
  }

  Result<> write(const PatchWish& wish, int out_fd) const {
    std::vector<std::string> args = {"diff-index",    "--cached",   "--no-renames",           "--no-ext-diff",
                                     "--no-textconv", "--no-color", "--ignore-submodules=all"};
    for (const char* option : options_of(wish.form)) args.emplace_back(option);
    args.insert(args.end(), {base_, "--"});
    args.insert(args.end(), wish.paths.begin(), wish.paths.end());
    TRY(git_.run(args, {.out_fd = out_fd, .out_bytes = limits::kPatchBytes, .env = {"GIT_LITERAL_PATHSPECS=1"}}));
    return {};
  }

 private:
  GitRun in_tree() const { return {.env = {"GIT_WORK_TREE=" + tree_}}; }

  Result<std::string> prepared_base() const {
    auto text =
        host::read_regular_file(guest_ + "/" + std::string(kManifestName.substr(5)), limits::kPreparedListBytes);
    auto manifest = text ? Manifest::parse(*text) : std::unexpected(text.error());
    if (!manifest)
      return fail(ErrorCode::not_found, "no 'vm workspace prepare' has brought this repository into the guest",
                  "name the commit to compare with, by --base-commit");
    return manifest->base;
  }

  Result<std::string> empty_tree() const { return git_.line({"mktree"}); }

  Result<std::string> find_tree(const std::string& revision) const {
    auto id = TRY(git_.line({"rev-parse", "--verify", "-q", "--end-of-options", revision + "^{tree}"}));
    if (id.empty())
      return fail(ErrorCode::not_found, fmt::format("the guest's repository has no commit '{}'", printable(revision)),
                  "--base-commit takes the id of a commit, or HEAD~1");
    return id;
  }

  Result<std::string> committed() const {
    std::string names;
    if (head_.empty()) return names;
    auto top = TRY(host::open_file(tree_, O_PATH | O_DIRECTORY));
    auto output = TRY(git_.run({"ls-tree", "-r", "-z", "--name-only", "--full-tree", head_}));
    for (auto name : records_of(output)) {
      struct stat info{};
      auto file = is_tree_name(name) ? open_in_tree(top.get(), std::string(name), O_PATH)
                                     : Result<UniqueFd>(fail(ErrorCode::invalid, "no name of a file"));
      if (!file || ::fstat(file->get(), &info) < 0 || (!S_ISREG(info.st_mode) && !S_ISLNK(info.st_mode))) continue;
      names += std::string(name) + '\0';
    }
    return names;
  }

  Git git_;
  std::string own_, guest_, tree_, head_, base_;
};

Result<> check_paths(const std::vector<std::string>& paths) {
  for (const auto& path : paths)
    if (!is_tree_name(path))
      return fail(ErrorCode::invalid, fmt::format("'{}' is no path in a repository", printable(path)),
                  "write it relative to the top of the repository");
  return {};
}

}  // namespace

Result<Patch> make_patch(const host::GetEnv& env, const std::string& tree, const std::string& directory,
                         const PatchWish& wish, const StopFlag* stop) {
  TRY(check_paths(wish.paths));
  auto guest = directory + "/guest.git", own = directory + "/own.git";
  Patch patch{.file = directory + "/patch", .nested = TRY(quarantine(tree, guest))};
  TRY(host::make_directories(own, 0700));
  Comparison comparison(TRY(Git::isolated(env, own, stop)), own, guest, tree);
  TRY(comparison.begin(wish));
  TRY(comparison.add());
  auto out = TRY(host::open_file(patch.file, O_WRONLY | O_CREAT | O_TRUNC));
  TRY(comparison.write(wish, out.get()));
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
              "check out the commit that was prepared; or write the patch with --output, and try 'git apply -3'"));
}

}  // namespace banger::workspace

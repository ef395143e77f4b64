#include "workspace/comparison.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <charconv>
#include <set>

#include "base/text.h"
#include "host/files.h"
#include "workspace/bounds.h"
#include "workspace/quarantine.h"

namespace banger::workspace {

namespace {

std::size_t number_in(std::string_view text) {
  std::size_t number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

// Whether git takes `name` below the open directory for a file.
bool is_file_in(int top, std::string_view name) {
  if (!is_tree_name(name)) return false;
  struct stat info{};
  auto file = open_in_tree(top, std::string(name), O_PATH);
  return file && ::fstat(file->get(), &info) == 0 && (S_ISREG(info.st_mode) || S_ISLNK(info.st_mode));
}

}  // namespace

Result<Comparison> Comparison::make(const host::GetEnv& env, const std::string& tree, const std::string& directory,
                                    const std::string& base, const StopFlag* stop, const Unchanged* unchanged) {
  auto guest = directory + "/guest.git", own = directory + "/own.git";
  auto nested = TRY(quarantine(tree, guest));
  TRY(host::make_directories(own, 0700));
  Comparison comparison(TRY(Git::of_guest(env, own, limits::kGuestGitBytes, stop)), own, guest, tree);
  comparison.nested_ = std::move(nested);
  if (unchanged) comparison.unchanged_ = unchanged->files;
  TRY(comparison.begin(base, unchanged));
  TRY(comparison.add(unchanged));
  return comparison;
}

Result<> Comparison::begin(const std::string& base, const Unchanged* unchanged) {
  auto text = host::read_regular_file(guest_ + "/" + std::string(kManifestName.substr(5)), limits::kPreparedListBytes);
  auto manifest = text ? Manifest::parse(*text) : std::unexpected(text.error());
  if (manifest) prepared_ = std::move(*manifest);
  if (base.empty() && !prepared_)
    return fail(ErrorCode::not_found, "no 'vm workspace prepare' has brought this repository into the guest",
                "name the commit to compare with, by --base-commit");
  auto revision = base.empty() ? prepared_->base : base;
  head_ = TRY(head_of(guest_));
  TRY(make_own_repository(head_.id.size() == 64 || revision.size() == 64));
  if (unchanged) TRY(host::write_file(own_ + "/objects/info/alternates", unchanged->objects + "\n"));
  TRY(take_objects(git_, own_, guest_));
  TRY(take_shallow(own_, guest_));
  if (!head_.id.empty()) TRY(take_head());
  TRY(find_base(revision));
  return begin_index(unchanged);
}

// An index without an entry for a file of the base is an index without that file. So only what stays is in it.
Result<> Comparison::begin_index(const Unchanged* unchanged) const {
  if (!unchanged) return TRY(git_.run({"read-tree", base_})), Result<>();
  TRY(git_.run({"update-index", "-z", "--index-info"}, {.input = unchanged->index, .env = {"GIT_WORK_TREE=" + tree_}}));
  return {};
}

// The files are there even if the guest's repository is damaged, and they are the guest's work.
Result<> Comparison::take_head() {
  if (TRY(git_.line({"rev-parse", "--verify", "-q", "--end-of-options", head_.id + "^{commit}"})).empty()) {
    head_.id.clear();
    index_damage_ = "the guest's HEAD leads to a commit that is not there";
    return {};
  }
  TRY(git_.run({"update-ref", "--no-deref", "HEAD", head_.id}));
  return {};
}

Result<> Comparison::make_own_repository(bool sha256) const {
  TRY(git_.run({"init", "-q", "--bare", "--template=", "--initial-branch=main",
                sha256 ? "--object-format=sha256" : "--object-format=sha1"}));
  // Only the rules of git itself for line ends count: no filter, and no rule for the form of a patch.
  TRY(host::make_directories(own_ + "/info", 0700));
  return host::write_file(own_ + "/info/attributes", "* !filter !diff\n");
}

Result<> Comparison::find_base(const std::string& revision) {
  if (revision.empty()) {
    base_ = TRY(git_.line({"mktree"}));
    return {};
  }
  auto find = [&](const char* kind) {
    return git_.line({"rev-parse", "--verify", "-q", "--end-of-options", revision + kind});
  };
  base_ = TRY(find("^{tree}"));
  if (base_.empty())
    return fail(ErrorCode::not_found, fmt::format("the guest's repository has no commit '{}'", printable(revision)),
                "--base-commit takes the id of a commit, or HEAD~1");
  base_commit_ = TRY(find("^{commit}"));
  return {};
}

// Brings the index to the state of the tree. The tree may lack files that have not changed.
Result<> Comparison::add(const Unchanged* unchanged) {
  GitRun in_tree{.env = {"GIT_WORK_TREE=" + tree_}};
  TRY(git_.run({"add", unchanged ? "--ignore-removal" : "-A", "--", "."}, in_tree));
  auto names = TRY(tracked());
  if (names.empty()) return {};
  in_tree.input = names;
  TRY(git_.run({"update-index", "-z", "--add", "--stdin"}, in_tree));
  return {};
}

// Files that are committed or staged. git may ignore their names.
Result<std::string> Comparison::tracked() {
  std::vector<std::string> found;
  if (!head_.id.empty()) {
    auto output = TRY(git_.run({"ls-tree", "-r", "-z", "--name-only", "--full-tree", head_.id}));
    for (auto name : records_of(output)) found.emplace_back(name);
  }
  auto staged = names_in_index(git_, own_, guest_);
  if (!staged && staged.error().code != ErrorCode::corrupt) return std::unexpected(std::move(staged.error()));
  if (staged)
    found.insert(found.end(), staged->begin(), staged->end());
  else
    index_damage_ = staged.error().message;
  auto top = TRY(host::open_file(tree_, O_PATH | O_DIRECTORY));
  std::string names;
  for (const auto& name : found)
    if (is_file_in(top.get(), name)) names += name + '\0';
  return names;
}

std::vector<std::string> Comparison::diff_against_base(const std::vector<const char*>& options) const {
  std::vector<std::string> args = {"diff-index",    "--cached",   "--no-renames",           "--no-ext-diff",
                                   "--no-textconv", "--no-color", "--ignore-submodules=all"};
  for (const char* option : options) args.emplace_back(option);
  args.insert(args.end(), {base_, "--"});
  return args;
}

Result<> Comparison::write(const std::vector<const char*>& options, const std::vector<std::string>& paths,
                           int out_fd) const {
  auto args = diff_against_base(options);
  args.insert(args.end(), paths.begin(), paths.end());
  TRY(git_.run(args, {.out_fd = out_fd, .out_bytes = limits::kPatchBytes, .env = {"GIT_LITERAL_PATHSPECS=1"}}));
  return {};
}

// Records: "12\t3\tpath", or "-\t-\tpath" for a binary file.
Result<Changes> Comparison::changes() const {
  auto output = TRY(git_.run(diff_against_base({"--numstat", "-z"})));
  Changes changes;
  for (auto record : records_of(output)) {
    auto words = split(record, '\t');
    if (words.size() < 3) return fail(ErrorCode::corrupt, "git diff-index printed something unknown");
    ++changes.files;
    changes.added += number_in(words[0]);
    changes.removed += number_in(words[1]);
  }
  return changes;
}

Result<std::size_t> Comparison::commits() const {
  if (head_.id.empty()) return 0;
  std::vector<std::string> args = {"rev-list", "--count", head_.id};
  if (!base_commit_.empty()) args.push_back("^" + base_commit_);
  auto count = TRY(git_.run(args));
  return number_in(count);
}

Result<FileStates> Comparison::states() const {
  auto top = TRY(host::open_file(tree_, O_PATH | O_DIRECTORY));
  auto listed = TRY(git_.run({"ls-files", "-z"}));
  std::set<std::string, std::less<>> names;
  for (auto name : records_of(listed)) names.emplace(name);
  if (prepared_)
    for (const auto& [name, state] : prepared_->files) names.insert(name);
  FileStates states;
  for (const auto& name : names)
    if (is_file_in(top.get(), name)) states.emplace(name, TRY(state_of(top.get(), name)));
  states.insert(unchanged_.begin(), unchanged_.end());
  return states;
}

}  // namespace banger::workspace

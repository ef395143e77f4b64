#include "workspace/start.h"

#include <fmt/format.h>

#include "base/text.h"

namespace banger::workspace {

namespace {

Result<> check_branch(const Git& git, const std::string& branch) {
  if (!branch.starts_with('-') && git.run({"check-ref-format", "--branch", branch})) return {};
  return fail(ErrorCode::invalid, fmt::format("'{}' is no name for a branch", printable(branch)),
              "letters, digits, '-', '_', '.' and '/' are fine");
}

Result<std::string> find_commit(const Git& git, const std::string& revision) {
  auto id = TRY(git.line({"rev-parse", "--verify", "-q", "--end-of-options", revision + "^{commit}"}));
  if (id.empty())
    return fail(ErrorCode::not_found, fmt::format("there is no commit '{}' in this checkout", printable(revision)),
                "'git log' lists commits");
  return id;
}

// All files of a commit, as git stores them. Records: "100644 blob 0123…\tpath".
Result<Listing> list_commit(const Git& git, const std::string& commit) {
  Listing listing;
  auto output = TRY(git.run({"ls-tree", "-r", "-z", "--full-tree", commit}));
  for (auto record : records_of(output)) {
    auto tab = record.find('\t');
    auto words = split(record.substr(0, tab), ' ');
    if (tab == record.npos || words.size() != 3)
      return fail(ErrorCode::corrupt, "git ls-tree printed something unknown");
    auto path = std::string(record.substr(tab + 1));
    if (words[1] != "blob") return fail_submodule(path);
    listing.files.push_back(
        {.path = path, .mode = std::string(words[0]), .id = std::string(words[2]), .content = Content::git});
  }
  return listing;
}

}  // namespace

Result<Start> find_start(const Git& git, const Checkout& checkout, const Wish& wish) {
  Start start{.mode = wish.mode, .head = checkout.head, .branch = checkout.branch, .listing = {}};
  if (!wish.branch.empty()) {
    TRY(check_branch(git, wish.branch));
    start.branch = wish.branch;
  }
  start.working_tree = wish.from.empty();
  if (!start.working_tree) start.head = TRY(find_commit(git, wish.from));
  start.listing = TRY(start.working_tree ? list_files(git, checkout, wish.untracked) : list_commit(git, start.head));
  return start;
}

}  // namespace banger::workspace

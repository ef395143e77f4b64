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

void add_files(const Inner& inner, Listing& listing) {
  const auto& own = inner.start.listing;
  for (auto file : own.files) {
    file.path = inner.path + "/" + file.path;
    file.mode.clear();
    file.id.clear();
    listing.files.push_back(std::move(file));
  }
  for (const auto& name : own.nested) listing.nested.push_back(inner.path + "/" + name);
  listing.untracked += own.untracked;
  listing.filtered += own.filtered;
}

// A submodule without files has no checkout of its own, and stays an empty directory.
Result<> add_submodules(const Git& git, const Checkout& checkout, const Wish& wish, Start& start) {
  for (const auto& link : start.listing.submodules) {
    auto path = checkout.top + "/" + link.path;
    auto there = Checkout::find(git.at(path), path);
    if (!there || there->top == checkout.top) continue;
    auto inner = TRY(in(printable(link.path),
                        find_start(git.at(there->top), *there, {.mode = wish.mode, .untracked = wish.untracked})));
    start.inner.push_back({link.path, std::move(*there), std::move(inner)});
  }
  for (const auto& inner : start.inner) add_files(inner, start.listing);
  return {};
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
  auto submodules = wish.mode == Mode::full_copy ? Submodules::list : Submodules::refuse;
  start.listing =
      TRY(start.working_tree ? list_files(git, checkout, wish.untracked, submodules) : list_commit(git, start.head));
  TRY(add_submodules(git, checkout, wish, start));
  return start;
}

}  // namespace banger::workspace

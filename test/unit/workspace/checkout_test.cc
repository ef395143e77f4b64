#include "workspace/checkout.h"

#include <algorithm>

#include "fixture.h"

using namespace banger;
using namespace banger::test;
using namespace banger::workspace;

namespace {

std::vector<std::string> paths_of(const std::vector<TravelFile>& files) {
  std::vector<std::string> paths;
  for (const auto& file : files) paths.push_back(file.path);
  std::ranges::sort(paths);
  return paths;
}

Content content_of(const Listing& listing, const std::string& path) {
  auto found = std::ranges::find(listing.files, path, &TravelFile::path);
  REQUIRE(found != listing.files.end());
  return found->content;
}

}  // namespace

TEST_CASE("checkout: is found from a directory inside it, with its branch, identity and origin") {
  Repository repo;
  repo.put("deep/er/a", "1");
  repo.commit("first");
  repo.git("remote add origin https://ana:secret@example.org/repo.git");
  auto found = Checkout::find(repo.env(), repo.top() + "/deep/er");
  REQUIRE(found.has_value());
  CHECK(found->top == repo.top());
  CHECK(found->head + "\n" == repo.git("rev-parse HEAD"));
  CHECK(found->branch == "main");
  CHECK(found->format == "sha1");
  CHECK(found->origin == "https://example.org/repo.git");
  CHECK(found->user_name == "Ana \"A\" Example");
  CHECK_FALSE(found->partial);
}

TEST_CASE("checkout: a detached HEAD has no branch, an unborn one no commit") {
  Repository repo;
  CHECK(repo.checkout().head.empty());
  CHECK(repo.checkout().branch == "main");
  repo.put("a", "1");
  repo.commit("first");
  repo.git("checkout -q --detach");
  CHECK(repo.checkout().branch.empty());
  CHECK_FALSE(repo.checkout().head.empty());
}

TEST_CASE("checkout: bare repositories, git directories and other places are refused with a way out") {
  Repository repo;
  REQUIRE(repo.sh("git init -q --bare bare.git && mkdir plain && touch file").status == 0);
  for (auto [place, words] : {std::pair("bare.git", "bare repository"), std::pair("repo/.git", "own directory"),
                              std::pair("plain", "not in a git checkout"), std::pair("file", "not a directory")}) {
    auto found = Checkout::find(repo.env(), repo.dir / place);
    REQUIRE_FALSE(found.has_value());
    CHECK(found.error().message.find(words) != std::string::npos);
    CHECK_FALSE(found.error().hint.empty());
  }
  auto missing = Checkout::find(repo.env(), repo.dir / "missing");
  REQUIRE_FALSE(missing.has_value());
  CHECK(missing.error().code == ErrorCode::not_found);
}

TEST_CASE("checkout: a URL loses what may be secret") {
  CHECK(without_secrets("https://token@h.org/r") == "https://h.org/r");
  CHECK(without_secrets("https://u:p%40@h.org/r@x") == "https://h.org/r@x");
  CHECK(without_secrets("ssh://git:pw@h.org/r") == "ssh://git@h.org/r");
  CHECK(without_secrets("ssh://git@h.org") == "ssh://git@h.org");
  CHECK(without_secrets("git@h.org:r.git") == "git@h.org:r.git");
  CHECK(without_secrets("/srv/a@b/r") == "/srv/a@b/r");
  CHECK(without_secrets("https://u:p@h.org") == "https://h.org");
}

TEST_CASE("listing: tracked files travel as they are, ignored files never, untracked ones on request") {
  Repository repo;
  std::string odd = "new\nline \xff";
  for (const auto& name :
       {std::string("kept"), std::string("gone"), odd, std::string(".gitignore"), std::string("forced.log")})
    repo.put(name, name == ".gitignore" ? "*.log\n" : "x");
  repo.git("add -f forced.log");
  repo.commit("first");
  repo.put("new", "n");
  repo.put("build.log", "ignored");
  repo.sh("rm repo/gone");
  auto listing = repo.list();
  REQUIRE(listing.has_value());
  CHECK(paths_of(listing->files) == std::vector<std::string>{".gitignore", "forced.log", "kept", odd});
  CHECK(paths_of(listing->deleted) == std::vector<std::string>{"gone"});
  CHECK(listing->untracked == 1);
  listing = repo.list(Untracked::include);
  REQUIRE(listing.has_value());
  CHECK(paths_of(listing->files) == std::vector<std::string>{".gitignore", "forced.log", "kept", "new", odd});
  CHECK(listing->untracked == 0);
}

TEST_CASE("listing: a file behind a symlink out of the tree is not read") {
  Repository repo;
  repo.put("dir/passwd", "mine");
  repo.commit("first");
  repo.sh("rm -r repo/dir && ln -s /etc repo/dir");
  auto listing = repo.list();
  REQUIRE(listing.has_value());
  CHECK(listing->files.empty());
  CHECK(paths_of(listing->deleted) == std::vector<std::string>{"dir/passwd"});
}

TEST_CASE("listing: submodules and conflicts are refused by name, nested repositories are left out") {
  Repository repo;
  repo.put("a", "1");
  repo.commit("first");
  SECTION("nested") {
    REQUIRE(repo.sh("git init -q repo/inner && touch repo/inner/x").status == 0);
    auto listing = repo.list(Untracked::include);
    REQUIRE(listing.has_value());
    CHECK(listing->nested == std::vector<std::string>{"inner"});
    CHECK(paths_of(listing->files) == std::vector<std::string>{"a"});
  }
  SECTION("submodule") {
    repo.git("update-index --add --cacheinfo 160000,$(git rev-parse HEAD),vendor/lib");
    auto listing = repo.list();
    REQUIRE_FALSE(listing.has_value());
    CHECK(listing.error().code == ErrorCode::unsupported);
    CHECK(listing.error().message.find("vendor/lib") != std::string::npos);
  }
  SECTION("conflict") {
    repo.git("checkout -q -b other");
    repo.put("a", "2");
    repo.commit("theirs");
    repo.git("checkout -q main");
    repo.put("a", "3");
    repo.commit("ours");
    repo.sh("cd repo && git merge -q other");
    auto listing = repo.list();
    REQUIRE_FALSE(listing.has_value());
    CHECK(listing.error().code == ErrorCode::busy);
  }
}

TEST_CASE("listing: files with a filter and files outside of a sparse checkout travel as git stores them") {
  Repository repo;
  repo.put("big.bin", "version https://git-lfs.github.com/spec/v1\n");
  repo.put("in/a", "1");
  repo.put("out/b", "2");
  repo.put(".gitattributes", "*.bin filter=lfs -text\n");
  repo.commit("first");
  repo.git("sparse-checkout set in");
  auto listing = repo.list();
  REQUIRE(listing.has_value());
  CHECK(content_of(*listing, "big.bin") == Content::git);
  CHECK(content_of(*listing, "out/b") == Content::git);
  CHECK(content_of(*listing, "in/a") == Content::tree);
  CHECK(listing->filtered == 1);
}

TEST_CASE("checkout: what a repository configures to run does not run, and nothing in it changes") {
  Repository repo;
  repo.put("a", "1");
  repo.commit("first");
  repo.put("a", "changed");
  repo.dir.put("evil", "#!/bin/sh\ntouch " + (repo.dir / "ran") + "\nexec cat\n");
  REQUIRE(repo.sh("chmod +x evil && cp evil repo/.git/hooks/post-index-change").status == 0);
  for (const char* key : {"core.fsmonitor", "core.pager", "diff.external", "filter.evil.clean", "filter.evil.process"})
    repo.git(std::string("config ") + key + " " + (repo.dir / "evil"));
  repo.put(".git/info/attributes", "* filter=evil\n");
  auto before = fingerprint(repo);
  ::setenv("GIT_DIR", "/nonexistent", 1);
  ::setenv("GIT_EXTERNAL_DIFF", (repo.dir / "evil").c_str(), 1);
  auto listing = repo.list(Untracked::include);
  ::unsetenv("GIT_DIR");
  ::unsetenv("GIT_EXTERNAL_DIFF");
  REQUIRE(listing.has_value());
  CHECK(fingerprint(repo) == before);
  CHECK_FALSE(std::filesystem::exists(repo.dir / "ran"));
}

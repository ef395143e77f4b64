#include "workspace/repository.h"

#include "fixture.h"

using namespace banger;
using namespace banger::test;
using namespace banger::workspace;

namespace {

// A guest made of the source: its git directory, and the working tree of the host.
struct Guest {
  Guest(const Repository& repo, const Wish& wish) : env_(repo.env()), repo_(repo) {
    auto source = repo.source();
    auto checkout = repo.checkout();
    auto start = find_start(source, checkout, wish);
    INFO((start ? "" : start.error().sentence()));
    REQUIRE(start.has_value());
    made = make_repository({.checkout = checkout, .git = source, .env = env_}, *start, dir.path());
  }
  std::string git(const std::string& words) const {
    INFO((made ? "" : made.error().sentence()));
    REQUIRE(made.has_value());
    auto ran = repo_.sh("git --git-dir=" + made->git_directory + " --work-tree=" + repo_.top() + " " + words);
    CHECK(ran.status == 0);
    return ran.output;
  }
  TempDir dir;
  host::GetEnv env_;
  const Repository& repo_;
  Result<GuestRepository> made;
};

std::string history(const Repository& repo) { return repo.git("log --format=%H"); }

}  // namespace

TEST_CASE("repository: the guest has the branch, the history, the identity and the local changes") {
  Repository repo(GENERATE("", "--object-format=sha256"));
  repo.put("a", "1");
  repo.put("gone", "1");
  repo.commit("first");
  repo.put("a", "2");
  repo.commit("second");
  repo.git("remote add origin https://u:secret@example.org/r");
  repo.put("a", "3");
  repo.put("staged", "new");
  repo.git("add staged");
  repo.sh("rm repo/gone");
  auto before = fingerprint(repo);
  Guest guest(repo, {});
  CHECK(fingerprint(repo) == before);
  CHECK(guest.git("log --format=%H") == history(repo));
  CHECK(guest.git("symbolic-ref HEAD") == "refs/heads/main\n");
  CHECK(guest.git("status --porcelain") == " M a\n D gone\nA  staged\n");
  CHECK(guest.git("config user.name") == "Ana \"A\" Example\n");
  CHECK(guest.git("config remote.origin.url") == "https://example.org/r\n");
  CHECK(guest.git("fsck --strict").find("missing") == std::string::npos);
  CHECK_FALSE(guest.made->cut);
}

TEST_CASE("repository: a long history is cut, and a full copy has all of it with its branches and tags") {
  Repository repo;
  for (int i = 0; i < 53; ++i) repo.git("commit -q --allow-empty -m " + std::to_string(i));
  repo.git("branch other HEAD~2");
  repo.git("tag -a v1 -m v1 HEAD~52");
  Guest cut(repo, {});
  CHECK(cut.git("rev-list --count HEAD") == "50\n");
  CHECK(cut.made->cut);
  CHECK(cut.git("branch --format='%(refname)'") == "refs/heads/main\n");
  Guest full(repo, {.mode = Mode::full_copy});
  CHECK(full.git("rev-list --count HEAD") == "53\n");
  CHECK(full.git("for-each-ref") == repo.git("for-each-ref"));
}

TEST_CASE("repository: objects travel as they are stored, without a search for deltas") {
  Repository repo;
  std::string text;
  for (int line = 0; line < 2000; ++line) text += std::to_string(line * 7919) + "\n";
  for (const char* end : {"1", "2", "3"}) {
    repo.put("large", text + end);
    repo.commit(end);
  }
  auto deltas = [](const Guest& guest) {
    return guest.git("verify-pack -v " + guest.made->git_directory + "/objects/pack/*.pack").find("chain length");
  };
  CHECK(deltas(Guest(repo, {})) == std::string::npos);
  repo.git("gc -q");
  CHECK(deltas(Guest(repo, {})) != std::string::npos);
}

TEST_CASE("repository: shallow clones, linked worktrees, detached and unborn heads are sources too") {
  Repository repo;
  SECTION("unborn") {
    repo.put("a", "1");
    repo.git("add a");
    Guest guest(repo, {});
    CHECK(guest.git("status --porcelain") == "A  a\n");
    CHECK(guest.git("symbolic-ref HEAD") == "refs/heads/main\n");
    return;
  }
  for (const char* text : {"1", "2", "3"}) {
    repo.put("a", text);
    repo.commit(text);
  }
  SECTION("detached") {
    repo.git("checkout -q --detach HEAD~1");
    Guest guest(repo, {});
    CHECK(guest.git("rev-parse HEAD") == repo.git("rev-parse HEAD"));
    CHECK(guest.git("rev-parse --abbrev-ref HEAD") == "HEAD\n");
  }
  SECTION("shallow") {
    REQUIRE(repo.sh("mv repo full && git clone -q --depth 2 file://$PWD/full repo").status == 0);
    for (auto mode : {Mode::shallow_overlay, Mode::full_copy}) {
      Guest guest(repo, {.mode = mode});
      CHECK(guest.git("log --format=%H") == history(repo));
      CHECK(guest.git("status --porcelain").empty());
    }
  }
  SECTION("linked worktree") {
    REQUIRE(repo.sh("mv repo full && git -C full worktree add -q -b side ../repo").status == 0);
    repo.put("a", "4");
    Guest guest(repo, {});
    CHECK(guest.git("status --porcelain") == " M a\n");
    CHECK(guest.git("symbolic-ref HEAD") == "refs/heads/side\n");
  }
}

TEST_CASE("repository: a partial clone travels with what it has, and otherwise fails without a fetch") {
  Repository repo;
  for (const char* text : {"1", "2", "3"}) {
    repo.put("in/a", text);
    repo.put("out/b", std::string("other ") + text);
    repo.commit(text);
  }
  repo.git("config uploadpack.allowFilter true");
  REQUIRE(repo.sh("mv repo full && git clone -q --filter=blob:none --no-checkout file://$PWD/full repo").status == 0);
  SECTION("whole") {
    repo.git("checkout -q main");
    Guest guest(repo, {});
    CHECK(guest.git("rev-list --count HEAD") == "1\n");
    CHECK(guest.made->cut);
    CHECK(guest.git("status --porcelain").empty());
  }
  SECTION("sparse") {
    repo.git("sparse-checkout set in");
    repo.git("checkout -q main");
    Guest guest(repo, {});
    REQUIRE_FALSE(guest.made.has_value());
    CHECK(guest.made.error().code == ErrorCode::unavailable);
    CHECK_FALSE(guest.made.error().hint.empty());
  }
}

TEST_CASE("repository: a new branch begins at HEAD with the changes, or at a revision without them") {
  Repository repo;
  repo.put("a", "1");
  repo.put("bin/x", "run");
  repo.sh("chmod +x repo/bin/x && ln -s a repo/link");
  repo.commit("first");
  repo.put("a", "2");
  repo.commit("second");
  repo.put("a", "3");
  Guest here(repo, {.branch = "topic"});
  CHECK(here.git("symbolic-ref HEAD") == "refs/heads/topic\n");
  CHECK(here.git("status --porcelain") == " M a\n");
  CHECK(here.made->files.empty());
  Guest there(repo, {.branch = "topic", .from = "main~1"});
  REQUIRE(there.made.has_value());
  CHECK(there.git("rev-parse HEAD") == repo.git("rev-parse HEAD~1"));
  CHECK(slurp(there.made->files + "/a") == "1");
  CHECK(::access((there.made->files + "/bin/x").c_str(), X_OK) == 0);
  CHECK(std::filesystem::is_symlink(there.made->files + "/link"));
  auto source = repo.source();
  for (const Wish& wish : {Wish{.branch = "a..b"}, Wish{.branch = "-x"}, Wish{.branch = "x", .from = "missing"},
                           Wish{.branch = "x", .from = "--all"}})
    CHECK_FALSE(find_start(source, repo.checkout(), wish).has_value());
}

TEST_CASE("repository: a full copy has the submodules, each with its own git directory") {
  Repository repo;
  repo.put("a", "1");
  repo.commit("first");
  REQUIRE(repo.sh("git clone -q repo lib && git clone -q repo other && git -C repo -c protocol.file.allow=always "
                  "submodule --quiet add ../lib vendor/lib && git -C repo -c protocol.file.allow=always submodule "
                  "--quiet add ../other vendor/empty && git -C repo commit -qm subs && git -C repo submodule --quiet "
                  "deinit vendor/empty")
              .status == 0);
  repo.put("vendor/lib/a", "changed");
  auto before = fingerprint(repo);
  CHECK_FALSE(find_start(repo.source(), repo.checkout(), {}).has_value());
  Guest guest(repo, {.mode = Mode::full_copy});
  CHECK(fingerprint(repo) == before);
  CHECK(guest.git("ls-files -s") == repo.git("ls-files -s"));
  REQUIRE(guest.made->inner.size() == 1);
  auto [path, git] = guest.made->inner.front();
  CHECK(path == "vendor/lib");
  CHECK(repo.sh("git --git-dir=" + git + " --work-tree=repo/vendor/lib status --porcelain").output == " M a\n");
}

TEST_CASE("repository: files outside of a sparse checkout and pointers of Git LFS come from git") {
  Repository repo;
  repo.put("big.bin", "version https://git-lfs.github.com/spec/v1\n");
  repo.put("in/a", "1");
  repo.put("out/b", "2");
  repo.put(".gitattributes", "*.bin filter=lfs -text\n");
  repo.commit("first");
  repo.git("sparse-checkout set in");
  repo.git("config filter.lfs.smudge false");
  repo.git("config filter.lfs.required true");
  repo.put("big.bin", "the large file");
  Guest guest(repo, {});
  REQUIRE(guest.made.has_value());
  CHECK(slurp(guest.made->files + "/big.bin") == "version https://git-lfs.github.com/spec/v1\n");
  CHECK(slurp(guest.made->files + "/out/b") == "2");
  CHECK_FALSE(std::filesystem::exists(guest.made->files + "/in/a"));
}

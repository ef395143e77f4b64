#include "workspace/shipment.h"

#include "prepared.h"
#include "workspace/plan.h"

using namespace banger;
using namespace banger::test;
using namespace banger::workspace;

TEST_CASE("shipment: the guest has the same tree and the same status as the host") {
  Repository repo;
  fill(repo);
  repo.put("a b", "changed");
  repo.sh("rm repo/gone && chmod +x repo/binary");
  repo.put("staged", "s");
  repo.git("add staged");
  Prepared prepared(repo);
  CHECK(prepared.left_out.empty());
  CHECK(prepared.in_guest("git status --porcelain") == repo.git("status --porcelain"));
  CHECK(prepared.in_guest("git log --format=%H%d") == repo.git("log --format=%H%d"));
  CHECK(repo.sh("diff -r --no-dereference -x .git repo guest").output.empty());
  CHECK(prepared.in_guest("ls .git/hooks").find("No such file") != std::string::npos);
}

TEST_CASE("shipment: a file that cannot be read is named, and is not in the manifest") {
  Repository repo;
  fill(repo);
  repo.sh("rm 'repo/a b' && mkfifo 'repo/a b'");
  Prepared prepared(repo);
  // A FIFO is no file for git, so it counts as deleted.
  CHECK(prepared.left_out.empty());
  CHECK_FALSE(prepared.shipment.manifest.files.contains("a b"));
  if (::geteuid() == 0) return;
  repo.sh("chmod 0 repo/binary && rm -r guest");
  Prepared unreadable(repo);
  CHECK(unreadable.left_out == "guest/binary");
  CHECK_FALSE(unreadable.shipment.manifest.files.contains("binary"));
}

TEST_CASE("guest tree: what was prepared comes back equal, and the guest's work is seen") {
  Repository repo;
  fill(repo);
  Prepared prepared(repo);
  auto tree = prepared.look();
  REQUIRE(tree.has_value());
  REQUIRE(tree->manifest.has_value());
  auto manifest = Manifest::parse(*tree->manifest);
  REQUIRE(manifest.has_value());
  CHECK(tree->files == manifest->files);
  CHECK(tree->head == manifest->head);
  CHECK(tree->refs == manifest->refs);
  CHECK(*states_of(prepared.start, prepared.checkout.top, "") == manifest->files);

  prepared.in_guest("echo more >>'a b' && git add -A && git -c user.name=x -c user.email=x commit -qm work");
  auto changed = prepared.look();
  REQUIRE(changed.has_value());
  CHECK(changed->refs != manifest->refs);
  repo.put("a b", "host");
  repo.put("binary", "host");
  auto plan = plan_files(manifest->files, changed->files, *states_of(prepared.start, prepared.checkout.top, ""));
  CHECK(plan.in_way == std::vector<std::string>{"a b"});
  CHECK(plan.send == std::vector<std::string>{"binary"});
  prepared.in_guest("git pack-refs --all");
  CHECK(prepared.look()->refs == changed->refs);
}

TEST_CASE("guest tree: an empty directory is empty, and one without a manifest has none") {
  Repository repo;
  repo.sh("mkdir guest");
  auto look = [&] {
    auto tar = file_with([&](int fd) { return tar::pack_tree(repo.dir / "guest", "tree", fd); });
    return *read_guest_tree(tar.get(), "tree");
  };
  CHECK(look().empty);
  repo.sh("touch guest/x");
  CHECK_FALSE(look().empty);
  CHECK_FALSE(look().manifest.has_value());
}

TEST_CASE("repository: the same start has the same state, and another index another one") {
  Repository repo;
  fill(repo);
  Prepared prepared(repo);
  auto state = [&] {
    auto source = repo.source();
    auto checkout = repo.checkout();
    return *state_of_repository({.checkout = checkout, .git = source, .env = prepared.env},
                                *find_start(source, checkout, {}));
  };
  CHECK(state() == prepared.shipment.manifest.state);
  repo.put("binary", "2");
  CHECK(state() == prepared.shipment.manifest.state);
  repo.git("add binary");
  CHECK(state() != prepared.shipment.manifest.state);
}

TEST_CASE("shipment: a file that was only announced to git, by add -N, is whole in the guest") {
  Repository repo;
  fill(repo);
  repo.put("announced", "text");
  repo.git("add -N announced");
  Prepared prepared(repo);
  CHECK(prepared.in_guest("git diff --stat -- announced").find("1 insertion") != std::string::npos);
}

TEST_CASE("states: a file that cannot be read is an error, and not a deletion") {
  Repository repo;
  fill(repo);
  auto checkout = repo.checkout();
  auto start = *find_start(repo.source(), checkout, {});
  CHECK(states_of(start, checkout.top, "")->size() == start.listing.files.size());
  repo.sh("rm repo/binary && mkdir repo/binary");
  CHECK_FALSE(states_of(start, checkout.top, "").has_value());
}

TEST_CASE("shipment: submodules arrive with their files and their changes, and without files as empty directories") {
  Repository repo;
  fill(repo);
  REQUIRE(repo.sh("git clone -q repo lib && git clone -q repo other && git -C repo -c protocol.file.allow=always "
                  "submodule --quiet add ../lib vendor/lib && git -C repo -c protocol.file.allow=always submodule "
                  "--quiet add ../other vendor/empty && git -C repo commit -qm subs && git -C repo submodule --quiet "
                  "deinit vendor/empty")
              .status == 0);
  repo.put("vendor/lib/a b", "changed");
  Prepared prepared(repo, {.mode = Mode::full_copy});
  CHECK(prepared.left_out.empty());
  CHECK(prepared.in_guest("git status --porcelain") == repo.git("status --porcelain"));
  CHECK(prepared.in_guest("git -C vendor/lib status --porcelain") == " M \"a b\"\n");
  CHECK(repo.sh("diff -r --no-dereference -x .git repo guest").output.empty());
  CHECK(prepared.look()->files == prepared.shipment.manifest.files);
}

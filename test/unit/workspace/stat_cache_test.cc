#include "workspace/stat_cache.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <thread>

#include "host/files.h"
#include "settled.h"
#include "support/fs_fixture.h"

using namespace banger;
using namespace banger::test;
using namespace banger::workspace;

namespace {

struct Tree {
  TempDir dir;
  UniqueFd top{::open(dir.path().c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC)};
  std::string seen;
  std::size_t read = 0;

  std::map<std::string, std::string> look(const std::vector<std::string>& paths) {
    StatCache cache(top.get(), seen);
    std::map<std::string, std::string> found;
    for (const auto& path : paths) {
      auto state = cache.state_of(path);
      found[path] = state ? (state->link ? "link " : state->executable ? "exec " : "") + state->hash : "none";
    }
    seen = cache.text();
    read = cache.files_read();
    return found;
  }
};

}  // namespace

TEST_CASE("stat cache: a file is read once, and again after every kind of change") {
  Tree tree;
  std::vector<std::string> paths = {"a", "d/b", "d/c", "d/e/f", "link"};
  for (const auto& path : paths) tree.dir.put(path, path);
  REQUIRE(run("cd " + tree.dir.path() + " && rm link && ln -s a link && chmod +x d/c").status == 0);
  wait_settled(tree.dir / "d/c");
  auto first = tree.look(paths);
  CHECK(tree.read == 4);  // a symlink costs nothing
  CHECK(first["a"] == host::sha256_hex("a"));
  CHECK(first["link"] == "link " + host::sha256_hex("a"));
  CHECK(first["d/c"] == "exec " + host::sha256_hex("d/c"));
  CHECK(tree.look(paths) == first);
  CHECK(tree.read == 0);
  // The same size and the same time as before.
  REQUIRE(run("cd " + tree.dir.path() + " && cp -p a old && printf x >a && touch -r old a && chmod -x d/c").status ==
          0);
  auto second = tree.look(paths);
  CHECK(tree.read == 2);
  CHECK(second["a"] == host::sha256_hex("x"));
  CHECK(second["d/c"] == host::sha256_hex("d/c"));
  REQUIRE(run("cd " + tree.dir.path() + " && rm a && mv d dd && ln -s dd d").status == 0);
  auto third = tree.look(paths);
  CHECK(third["a"] == "none");
  CHECK(third["d/b"] == "none");  // behind a symlink
}

TEST_CASE("stat cache: a file that was just changed is read again") {
  Tree tree;
  tree.dir.put("a", "1");
  tree.look({"a"});
  tree.look({"a"});
  bool settled = tree.read == 0;
  struct stat info{};
  REQUIRE(::stat((tree.dir / "a").c_str(), &info) == 0);
  CHECK((!settled || Stamp::of(info).is_settled(stamp_clock())));
  auto stamp = Stamp::of(info);
  stamp.changed = 5'000'000'123;
  CHECK_FALSE(stamp.is_settled(stamp.changed + 10'000'000));
  CHECK(stamp.is_settled(stamp.changed + 100'000'000));
  stamp.changed = 5'000'000'000;  // a file system that counts seconds
  CHECK_FALSE(stamp.is_settled(stamp.changed + 1'500'000'000));
}

TEST_CASE("stat cache: a damaged text is empty or shorter, and never leads to a wrong state") {
  Tree tree;
  for (const char* path : {"a", "b"}) tree.dir.put(path, path);
  wait_settled(tree.dir / "b");
  auto right = tree.look({"a", "b"});
  auto whole = tree.seen;
  for (std::size_t size = 0; size < whole.size(); ++size) {
    tree.seen = whole.substr(0, size);
    CHECK(tree.look({"a", "b"}) == right);
  }
  tree.seen = "banger seen 2" + whole;
  CHECK(tree.look({"a", "b"}) == right);
  CHECK(tree.read == 2);
}

TEST_CASE("stat cache: what was sent and is still the same need not be read, and other files stay known") {
  Tree tree;
  for (const char* path : {"a", "b", "c", "d"}) tree.dir.put(path, path);
  wait_settled(tree.dir / "d");
  tree.look({"a", "d"});
  auto sent = [&](const std::string& path, const std::string& content) {
    struct stat info{};
    REQUIRE(::stat((tree.dir / path).c_str(), &info) == 0);
    auto stamp = Stamp::of(info);
    return SeenFile{path, {.size = stamp.size, .modified = stamp.modified}, {.hash = host::sha256_hex(content)}};
  };
  auto changed = sent("c", "c");
  changed.stamp.modified += 1;
  tree.seen = confirm_sent(tree.top.get(), seen_text({changed, sent("b", "b"), sent("d", "told")}), tree.seen);
  auto found = tree.look({"a", "b", "c", "d"});
  CHECK(tree.read == 1);  // c
  CHECK(found["b"] == host::sha256_hex("b"));
  CHECK(found["d"] == host::sha256_hex("told"));  // the list counts, and the file was not read
}

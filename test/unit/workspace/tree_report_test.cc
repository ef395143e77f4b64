#include "workspace/tree_report.h"

#include <sys/stat.h>

#include "host/files.h"
#include "prepared.h"
#include "settled.h"
#include "workspace/bounds.h"
#include "workspace/plan.h"

using namespace banger;
using namespace banger::test;

namespace {

GuestTree report(const std::string& path) {
  auto text = report_tree(path);
  INFO((text ? "" : text.error().sentence()));
  REQUIRE(text.has_value());
  auto tree = read_tree_report(*text);
  INFO((tree ? "" : tree.error().sentence()));
  REQUIRE(tree.has_value());
  return *tree;
}

std::int64_t written(const std::string& path) {
  struct stat info{};
  return ::stat(path.c_str(), &info) == 0 ? Stamp::of(info).changed : 0;
}

}  // namespace

TEST_CASE("tree report: tells what the whole tree shows, before and after the guest's work") {
  Repository repo;
  fill(repo);
  repo.git("branch other");
  Prepared prepared(repo, {.mode = Mode::full_copy});
  auto guest = repo.dir / "guest";
  auto same = [&] {
    auto whole = *prepared.look();
    auto told = report(guest);
    CHECK(told.manifest == whole.manifest);
    CHECK(told.head == whole.head);
    CHECK(told.refs == whole.refs);
    for (const auto& [path, state] : prepared.shipment.manifest.files) {
      INFO(path);
      REQUIRE(told.files.contains(path) == whole.files.contains(path));
      if (told.files.contains(path)) CHECK(told.files[path] == whole.files[path]);
    }
    return told;
  };
  CHECK(same().files == prepared.shipment.manifest.files);
  prepared.in_guest("git pack-refs --all && git checkout -q -b topic/one && printf 'x' >'a b' && chmod +x binary");
  prepared.in_guest("rm gone && rm -r deep && ln -s /etc deep && rm empty && mkdir empty && echo new >new");
  auto told = same();
  CHECK(told.refs.contains("refs/heads/topic/one"));
  CHECK_FALSE(told.files.contains("deep/er/file"));
  CHECK_FALSE(told.files.contains("empty"));
  CHECK_FALSE(told.files.contains("new"));
  auto more = report_files(guest, std::string("new\0absent\0../secret\0.git/HEAD\0", 31));
  REQUIRE(more.has_value());
  auto states = read_files_report(*more);
  REQUIRE(states.has_value());
  CHECK(*states == FileStates{{"new", {.hash = host::sha256_hex("new\n")}}});
}

TEST_CASE("tree report: after an upload nothing is read, and a change with the same size and time is seen") {
  Repository repo;
  repo.put("large", std::string(limits::kConfirmFromBytes, 'l'));
  fill(repo);
  Prepared prepared(repo);
  auto guest = repo.dir / "guest", seen = guest + "/.git/banger/seen";
  REQUIRE(prepared.shipment.to_confirm);
  CHECK(prepared.shipment.known.size() <= prepared.shipment.send.size());
  wait_settled(guest + "/.git/banger/prepared");
  REQUIRE(confirm_upload(guest).has_value());
  auto before = written(seen);
  CHECK(report(guest).files == prepared.shipment.manifest.files);
  CHECK(written(seen) == before);  // no file was read, so nothing new is known
  prepared.in_guest("cp -p 'a b' old && printf 'A B' >'a b' && touch -r old 'a b'");
  CHECK(report(guest).files["a b"].hash == host::sha256_hex("A B"));
  // What the guest writes into the list is only about its own files.
  repo.dir.put("guest/.git/banger/seen", "junk");
  CHECK(report(guest).files["a b"].hash == host::sha256_hex("A B"));
}

TEST_CASE("tree report: nothing there is empty, and a tree that was not prepared has no record") {
  Repository repo;
  CHECK(report(repo.dir / "none").empty);
  REQUIRE(repo.sh("mkdir guest && ln -s guest link && touch file").status == 0);
  CHECK(report(repo.dir / "guest").empty);
  repo.dir.put("guest/x", "");
  CHECK_FALSE(report(repo.dir / "guest").empty);
  CHECK_FALSE(report(repo.dir / "guest").manifest.has_value());
  for (const char* name : {"link", "file"}) CHECK_FALSE(report_tree(repo.dir / name).has_value());
  CHECK_FALSE(confirm_upload(repo.dir / "guest").has_value());
}

TEST_CASE("tree report: a damaged one is refused, and so are names that lead out of the tree") {
  Repository repo;
  fill(repo);
  Prepared prepared(repo);
  auto whole = *report_tree(repo.dir / "guest");
  REQUIRE(read_tree_report(whole).has_value());
  for (std::size_t size = 0; size < whole.size(); ++size) CHECK_FALSE(read_tree_report(whole.substr(0, size)));
  auto now = [](const std::string& text) { return "now " + std::to_string(text.size()) + "\n" + text + "end 0\n"; };
  std::string begin("banger workspace 1\0", 19), hash(64, 'a');
  CHECK(read_tree_report(now(begin + "file " + hash + " x" + '\0')).has_value());
  for (const std::string& text :
       {now(begin + "file " + hash + " ../x" + '\0'), now(begin + "file " + hash + " .git/x" + '\0'), now("x"),
        whole + "more", std::string("now 99999999999999999999\nend 0\n"), std::string("now -1\nend 0\n"),
        std::string("{\"code\":\"not_found\"}"), std::string()})
    CHECK_FALSE(read_tree_report(text).has_value());
}

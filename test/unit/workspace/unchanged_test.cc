// A comparison that gets only what has changed, beside one that gets the whole tree.
#include "workspace/unchanged.h"

#include "base/text.h"
#include "prepared.h"
#include "workspace/patch.h"
#include "workspace/tree_report.h"

using namespace banger;
using namespace banger::test;
using namespace banger::workspace;

namespace {

// A repository that was prepared, and then changes in the guest.
struct Both {
  explicit Both(const std::string& options = "") : repo(options) {
    repo.put(".gitignore", "*.log\n");
    repo.put(".gitattributes", "*.txt text eol=crlf\n");
    repo.put("crlf.txt", "1\r\n2\r\n");
    repo.put("here", "as committed\n");
    fill(repo);
    repo.put("here", "changed on the host, and not committed\n");
    prepared.emplace(repo);
    base = {.top = repo.top(), .packs = packs_in(prepared->shipment.git_directory)};
  }
  void guest(const std::string& command) const {
    auto ran = repo.sh("cd guest && git config user.name g && git config user.email g@g && " + command);
    INFO(command << "\n" << ran.output);
    CHECK(ran.status == 0);
  }
  Result<Unchanged> find() const {
    auto report = TRY(report_tree(repo.dir / "guest"));
    auto tree = TRY(read_tree_report(report));
    return find_unchanged(repo.env(), base, prepared->start.head, tree.files, prepared->shipment.blobs);
  }
  // The guest's tree as it arrives, and what is compared with it.
  std::string text(const Unchanged* unchanged, Form form = Form::patch) const {
    repo.sh("rm -rf private && mkdir private && cp -a guest private/tree");
    if (unchanged)
      for (auto name : records_of(unchanged->names))
        std::filesystem::remove(repo.dir / "private/tree/" + std::string(name));
    auto made = Comparison::make(repo.env(), repo.dir / "private/tree", repo.dir / "private", "", nullptr, unchanged);
    INFO((made ? "" : made.error().sentence()));
    REQUIRE(made);
    states = *made->states();
    auto patch = make_patch(*made, repo.dir / "private", {.form = form});
    REQUIRE(patch);
    return slurp(patch->file);
  }
  void check_same() const {
    auto unchanged = find();
    INFO((unchanged ? "" : unchanged.error().sentence()));
    REQUIRE(unchanged);
    CHECK_FALSE(unchanged->files.empty());
    auto whole = text(nullptr);
    auto states_of_whole = states;
    CHECK(text(&*unchanged) == whole);
    CHECK(states == states_of_whole);
  }

  Repository repo;
  std::optional<Prepared> prepared;
  PreparedBase base;
  mutable FileStates states;
};

}  // namespace

TEST_CASE("blobs: ids are those of git, for both kinds of ids") {
  for (bool sha256 : {false, true}) {
    Repository repo(sha256 ? "--object-format=sha256" : "");
    repo.put("file", "some\nbytes");
    BlobId id(10, sha256);
    id.add("some\n");
    id.add("bytes");
    CHECK(id.finish() + "\n" == repo.git("hash-object file"));
  }
}

TEST_CASE("blobs: a list is read as it was written, without its damaged lines") {
  Blobs blobs;
  blobs.add(std::string(40, 'a'), std::string(64, 'b'));
  CHECK(*Blobs(blobs.text()).find(std::string(40, 'a')) == std::string(64, 'b'));
  CHECK(Blobs("x\n" + std::string(40, 'a') + " short\n\n \n" + std::string(40, 'c')).empty());
}

TEST_CASE("unchanged: nothing has changed, and only what git reads itself travels") {
  for (const char* options : {"", "--object-format=sha256"}) {
    Both both(options);
    both.check_same();
    auto unchanged = both.find();
    CHECK_FALSE(unchanged->files.contains(".gitignore"));
    CHECK(unchanged->files.contains("new\nline"));
    CHECK(unchanged->files.contains("dangling"));
    // It was not as committed when it was prepared.
    CHECK_FALSE(unchanged->files.contains("here"));
    CHECK(unchanged->names.contains(".git/objects/pack/"));
    CHECK(both.text(&*unchanged, Form::names) == "here\n");
  }
}

TEST_CASE("unchanged: every kind of change leads to the same patch as with the whole tree") {
  Both both;
  const char* const kChanges[] = {
      "echo more >>'a b' && rm gone && echo new >fresh",
      "chmod +x binary && chmod -x run && ln -sf elsewhere dangling",
      "git mv deep/er/file moved && git commit -qm moved",
      "rm -r deep && echo file >deep",
      "rm empty && mkdir empty && echo in >empty/file",
      "echo '*.xyz' >>.gitignore && echo x >1.xyz && echo y >1.log && git add -f 1.log",
      "printf '1\\r\\n2\\r\\n3\\r\\n' >crlf.txt && echo '*.txt -text' >.gitattributes",
      "git checkout -q -- . && git add -A && git commit -qm all && git gc -q",
      "git checkout -qb other && git rm -q --cached run && git commit -qm 'forget run'",
  };
  for (const char* change : kChanges) {
    INFO(change);
    both.guest(change);
    both.check_same();
  }
}

TEST_CASE("unchanged: a host that lacks the commit, or has only a part of the repository, does not know") {
  Both both;
  SECTION("another repository") {
    both.repo.sh("git init -q other");
    both.base.top = both.repo.dir / "other";
  }
  SECTION("no repository") { both.base.top = both.repo.dir / "nothing"; }
  SECTION("a partial clone") { both.repo.git("config remote.origin.promisor true"); }
  CHECK_FALSE(both.find());
}

TEST_CASE("unchanged: files whose contents are not known here count as changed") {
  Both both;
  both.prepared->shipment.blobs = {};
  auto unchanged = both.find();
  REQUIRE(unchanged);
  CHECK(unchanged->files.empty());
  CHECK(both.text(&*unchanged) == both.text(nullptr));
}

TEST_CASE("prepared base: is read as it was written, and a damaged one names no place") {
  PreparedBase base{.top = "/a\nb", .packs = {"pack-1.pack"}};
  auto again = PreparedBase::parse(base.text());
  CHECK(again.top == base.top);
  CHECK(again.packs == base.packs);
  for (std::string_view text : {"", "relative", "\n"}) CHECK(PreparedBase::parse(text).top.empty());
  CHECK(PreparedBase::parse(std::string("/top\0../../x\0", 12)).packs.empty());
}

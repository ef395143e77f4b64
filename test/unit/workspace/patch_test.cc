#include "workspace/patch.h"

#include "round.h"

using namespace banger;
using namespace banger::test;
using namespace banger::workspace;

TEST_CASE("patch: commits, changes and new files come back, and give the identical tree") {
  Round round(GENERATE("", "--object-format=sha256"));
  round.guest("printf 'x\\0y' >binary && echo more >>'a b' && git add -A && git commit -qm one");
  round.guest("rm gone && chmod +x empty && chmod -x run && rm link && ln -s 'a b' link && : >zero");
  round.guest("mkdir -p n/m && echo new >\"n/m/$(printf 'x\\377\\n')\" && echo no >x.log && git mv 'new\nline' moved");
  round.guest("echo forced >kept.log && git add -f kept.log && git commit -qm two && printf '3\\r\\n' >>crlf.txt");
  auto made = round.patch();
  INFO((made ? "" : made.error().sentence()));
  REQUIRE(made.has_value());
  auto applied = apply_patch(round.repo.env(), round.repo.top(), made->file);
  INFO((applied ? "" : applied.error().sentence()));
  REQUIRE(applied.has_value());
  CHECK(round.repo.sh("diff -r --no-dereference -x .git -x x.log repo guest").output.empty());
  CHECK(round.repo.sh("cd guest && find . -type f -perm /100 -not -path './.git/*' | sort").output ==
        round.repo.sh("cd repo && find . -type f -perm /100 -not -path './.git/*' | sort").output);
  // All of it is in the index, ready to be committed.
  CHECK(round.repo.git("diff --name-only").empty());
}

TEST_CASE("patch: is empty without changes, and takes a base and paths") {
  Round round;
  CHECK(round.text().empty());
  round.guest("echo 1 >one && git add -A && git commit -qm one && echo 2 >two");
  CHECK(round.text({}, "HEAD").find("b/one") == std::string::npos);
  CHECK(round.text({}, "HEAD").find("b/two") != std::string::npos);
  CHECK(round.text({}, "HEAD~1") == round.text());
  CHECK(round.text({}, round.repo.checkout().head) == round.text());
  CHECK(round.text({.form = Form::names}) == "one\ntwo\n");
  CHECK(round.text({.form = Form::stat}).find(" 2 files changed, 2 insertions(+)") != std::string::npos);
  CHECK(round.text({.paths = {"two"}}).find("b/one") == std::string::npos);
  for (const char* base : {"missing", "--all"}) CHECK_FALSE(round.patch({}, base).has_value());
  for (const char* path : {"../x", ""}) CHECK_FALSE(round.patch({.paths = {path}}).has_value());
}

TEST_CASE("patch: nothing that the guest has written runs or is read outside of its tree") {
  Round round;
  round.repo.dir.put("secret", "the secret of the host\n");
  round.repo.dir.put("evil", "#!/bin/sh\ntouch " + (round.repo.dir / "ran") + "\nexec cat\n");
  round.repo.sh("chmod +x evil");
  auto evil = round.repo.dir / "evil";
  for (const char* key : {"core.fsmonitor", "core.pager", "diff.external", "filter.evil.clean", "filter.evil.process",
                          "diff.evil.command", "diff.evil.textconv", "core.sshCommand", "core.hooksPath"})
    round.guest(std::string("git config ") + key + " " + evil);
  round.repo.put("a b", "x");  // another state of the host's own tree
  auto secrets = round.repo.dir.path();
  round.repo.sh(
      "cd guest && printf '* filter=evil diff=evil\\n' >.gitattributes && cp .gitattributes .git/info/ && "
      "cp ../evil .git/hooks/post-index-change && ln -s ../secret leak && ln -s .. up && "
      "echo '" +
      secrets +
      "/repo/.git/objects' >.git/objects/info/alternates && "
      "git init -q inner && cp ../evil inner/.git/hooks/pre-commit && git -C inner config core.fsmonitor ../../evil && "
      "touch inner/x && mkfifo pipe && chmod 0 run");
  auto made = round.patch();
  INFO((made ? "" : made.error().sentence()));
  REQUIRE(made.has_value());
  auto text = slurp(made->file);
  CHECK_FALSE(std::filesystem::exists(round.repo.dir / "ran"));
  CHECK(text.find("the secret") == std::string::npos);
  CHECK(text.find("b/leak") != std::string::npos);
  CHECK(text.find("inner") == std::string::npos);
  CHECK(made->nested == std::vector<std::string>{"inner"});
}

TEST_CASE("patch: damaged objects and a tree without a repository are errors") {
  Round round;
  SECTION("no repository") {
    round.repo.sh("rm -rf guest/.git");
    CHECK_FALSE(round.patch().has_value());
  }
  SECTION("a link instead of one") {
    round.repo.sh("rm -rf guest/.git && ln -s ../repo/.git guest/.git");
    CHECK_FALSE(round.patch().has_value());
  }
  SECTION("a file instead of one") {
    round.repo.sh("mv guest/.git elsewhere && echo 'gitdir: ../elsewhere' >guest/.git");
    CHECK(round.patch().error().message == "the guest's .git is no directory, and what it leads to is not read");
  }
  SECTION("a HEAD that leads to no commit") {
    round.guest("echo new >fresh && echo 1111111111111111111111111111111111111111 >.git/refs/heads/main");
    auto made = round.patch({.form = Form::names});
    REQUIRE(made.has_value());
    CHECK(slurp(made->file) == "fresh\n");
    CHECK(made->index_damage == "the guest's HEAD leads to a commit that is not there");
  }
  SECTION("not prepared") {
    round.repo.sh("rm -rf guest/.git/banger");
    auto made = round.patch();
    REQUIRE_FALSE(made.has_value());
    CHECK(made.error().hint.find("--base-commit") != std::string::npos);
    CHECK(round.text({}, "HEAD").empty());
  }
  SECTION("so many packs that they would take hours") {
    round.repo.sh(
        "mkdir -p guest/.git/objects/pack && cd guest/.git/objects/pack && "
        "for i in $(seq 1001); do : >pack-$i.pack; done");
    auto made = round.patch();
    REQUIRE_FALSE(made.has_value());
    CHECK(made.error().code == ErrorCode::exhausted);
    CHECK(made.error().hint == "run 'git gc' in the guest");
  }
  SECTION("damaged") {
    round.guest("git gc -q");
    round.repo.sh(
        "cd guest/.git/objects/pack && chmod u+w *.pack && printf xxxx | dd of=$(ls *.pack) bs=1 seek=40 conv=notrunc");
    auto made = round.patch();
    REQUIRE_FALSE(made.has_value());
    CHECK(made.error().code == ErrorCode::corrupt);
  }
}

TEST_CASE("patch: a file that git ignores is part of it when the guest has staged it, as it is in the tree") {
  Round round;
  round.guest("echo staged >forced.log && git add -f forced.log && echo later >forced.log && echo no >other.log");
  round.guest("echo gone >removed.log && git add -f removed.log && rm removed.log");
  auto text = round.text();
  CHECK(text.find("+later") != std::string::npos);
  CHECK(text.find("staged") == std::string::npos);
  CHECK(round.text({.form = Form::names}) == "forced.log\n");
  // Without the index, the rest is still there.
  round.guest("echo new >new && printf 'no index' >.git/index");
  auto made = round.patch({.form = Form::names});
  INFO((made ? "" : made.error().sentence()));
  REQUIRE(made.has_value());
  CHECK(slurp(made->file) == "new\n");
  CHECK(made->index_damage.find("index is damaged") != std::string::npos);
}

TEST_CASE("patch: works for a packed repository and a shallow one") {
  Round round;
  round.guest("echo 1 >one && git add -A && git commit -qm one && git gc -q && git pack-refs --all");
  CHECK(round.text().find("b/one") != std::string::npos);
  CHECK(round.text({}, "HEAD~1") == round.text());
}

TEST_CASE("patch: is applied wholly or not at all, and never over changes of the host") {
  Round round;
  round.guest("echo changed >'a b' && echo new >new");
  auto patch = round.patch();
  REQUIRE(patch.has_value());
  auto refused = [&] {
    // git takes its lock for a moment, so times are not compared.
    auto state = [&] {
      return round.repo.git("ls-files -s -z") +
             round.repo.sh("cd repo && tar c --mtime=@0 --exclude=.git . | sha256sum").output;
    };
    auto before = state();
    auto applied = apply_patch(round.repo.env(), round.repo.top(), patch->file);
    REQUIRE_FALSE(applied.has_value());
    CHECK_FALSE(applied.error().hint.empty());
    CHECK(state() == before);
    return applied.error().code;
  };
  SECTION("dirty") {
    round.repo.put("deep/er/file", "mine");
    CHECK(refused() == ErrorCode::busy);
  }
  SECTION("an untracked file is in the way") {
    round.repo.put("new", "mine");
    refused();
  }
  SECTION("another base") {
    round.repo.put("a b", "other");
    round.repo.commit("other");
    refused();
  }
  SECTION("the user's settings") {
    round.repo.dir.put(".gitconfig",
                       "[apply]\n\twhitespace = fix\n\tignoreWhitespace = change\n[diff]\n\tnoprefix = true\n"
                       "\texternal = false\n[core]\n\tautocrlf = true\n[color]\n\tui = always\n");
    round.guest("printf 'end  \\n\\n\\n' >'a b'");
    auto made = round.patch();
    REQUIRE(made.has_value());
    REQUIRE(apply_patch(round.repo.env(), round.repo.top(), made->file).has_value());
    CHECK(round.repo.git("show ':a b'") == "end  \n\n\n");
  }
}

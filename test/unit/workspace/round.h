// A guest's tree beside the host's repository, without a guest.
#pragma once

#include "fixture.h"
#include "workspace/comparison.h"
#include "workspace/patch.h"

namespace banger::test {

// A guest's tree is a clone, with the manifest of a prepare. Its git runs in `sh` only.
struct Round {
  explicit Round(const std::string& options = "") : repo(options) {
    for (const char* name : {"a b", "new\nline", "bad \xff\xfe", "gone", "deep/er/file", "empty", "crlf.txt"})
      repo.put(name, std::string(name) == "crlf.txt" ? "1\r\n2\r\n" : std::string(name) + "\n");
    repo.put("binary", std::string("\0\1\2", 3));
    repo.put(".gitignore", "*.log\n");
    repo.put(".gitattributes", "*.txt text eol=crlf\n");
    repo.sh("cd repo && ln -s /nowhere link && printf '#!/bin/sh\\n' >run && chmod +x run");
    repo.commit("first");
    REQUIRE(
        repo.sh("git clone -q repo guest && cd guest && git config user.name g && git config user.email g@g").status ==
        0);
    workspace::Manifest manifest{.base = repo.checkout().head};
    repo.dir.put("guest/.git/banger/prepared", manifest.text());
  }
  std::string guest(const std::string& command) const {
    auto ran = repo.sh("cd guest && " + command);
    INFO(command << "\n" << ran.output);
    CHECK(ran.status == 0);
    return ran.output;
  }
  Result<workspace::Patch> patch(const workspace::PatchWish& wish = {}, const std::string& base = "") {
    repo.sh("rm -rf private && mkdir private && cp -a guest private/tree");
    auto comparison =
        TRY(workspace::Comparison::make(repo.env(), repo.dir / "private/tree", repo.dir / "private", base));
    return workspace::make_patch(comparison, repo.dir / "private", wish);
  }
  std::string text(const workspace::PatchWish& wish = {}, const std::string& base = "") {
    auto made = patch(wish, base);
    INFO((made ? "" : made.error().sentence()));
    REQUIRE(made.has_value());
    return slurp(made->file);
  }
  workspace::Comparison compare(const std::string& base = "") {
    repo.sh("rm -rf private && mkdir private && cp -a guest private/tree");
    auto made = workspace::Comparison::make(repo.env(), repo.dir / "private/tree", repo.dir / "private", base);
    INFO((made ? "" : made.error().sentence()));
    REQUIRE(made.has_value());
    return std::move(*made);
  }
  Repository repo;
};

}  // namespace banger::test

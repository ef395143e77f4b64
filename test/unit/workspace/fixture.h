// Real repositories of the host's git, in a temporary home without any configuration.
#pragma once

#include <stdlib.h>

#include <string>

#include "support/fs_fixture.h"
#include "workspace/checkout.h"

namespace banger::test {

class Repository {
 public:
  /// `options` are those of `git init`.
  explicit Repository(const std::string& options = "") {
    REQUIRE(sh("mkdir repo && git init -q -b main " + options + " repo").status == 0);
    git("config user.name 'Ana \"A\" Example'");
    git("config user.email ana@example.org");
  }

  /// Runs a shell command in the temporary directory, with its own home.
  Ran sh(const std::string& command) const {
    return run("cd " + dir.path() + " && export HOME=" + dir.path() + " GIT_CONFIG_NOSYSTEM=1 && " + command);
  }
  std::string git(const std::string& words) const {
    auto ran = sh("cd repo && git " + words);
    INFO(words << "\n" << ran.output);
    REQUIRE(ran.status == 0);
    return ran.output;
  }
  void put(const std::string& name, const std::string& text) const { dir.put("repo/" + name, text); }
  void commit(const std::string& subject) const {
    git("add -A");
    git("commit -q -m '" + subject + "'");
  }
  std::string top() const { return dir / "repo"; }

  host::GetEnv env() const {
    return [home = dir.path()](const std::string& name) -> std::optional<std::string> {
      if (name == "HOME") return home;
      if (name == "PATH") return ::getenv("PATH");
      return std::nullopt;
    };
  }
  workspace::Checkout checkout() const {
    auto found = workspace::Checkout::find(env(), top());
    INFO((found ? "" : found.error().sentence()));
    REQUIRE(found.has_value());
    return *found;
  }
  workspace::Git source() const { return *workspace::Git::of_user(env(), top()); }
  Result<workspace::Listing> list(workspace::Untracked untracked = workspace::Untracked::skip) const {
    return workspace::list_files(source(), checkout(), untracked);
  }

  TempDir dir;
};

/// A digest of all names, types, modes, times and contents of the repository.
inline std::string fingerprint(const Repository& repository) {
  return repository
      .sh("cd repo && find . -printf '%p %y %m %T@ %l\\n' | sort && find . -type f | sort | xargs -d '\\n' sha256sum")
      .output;
}

}  // namespace banger::test

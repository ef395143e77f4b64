// The git checkout around a path of this host: what it is, and which of its files travel into a guest. Reads only, and
// takes no lock. Blocking.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "workspace/git.h"

namespace banger::workspace {

struct Checkout {
  std::string top;     ///< absolute path of the working tree
  std::string head;    ///< the id of the commit, empty on an unborn branch
  std::string branch;  ///< without refs/heads/, empty for a detached HEAD
  std::string format;  ///< of objects: "sha1" or "sha256"
  std::string origin;  ///< URL without user name and password of http, empty if there is none
  std::string user_name, user_email;
  bool partial = false;  ///< objects may be missing, and are never fetched here

  /// The checkout that encloses `path`. `invalid`, with a hint, for bare repositories and paths outside of any
  /// checkout. `not_found` if the path does not exist.
  static Result<Checkout> find(const host::GetEnv& env, const std::string& path, const StopFlag* stop = nullptr);
  /// The same for the directory `path` of that git.
  static Result<Checkout> find(const Git& git, const std::string& path);
};

/// A URL as it may be stored in a guest. http and https lose the user and the password, because the user is often a
/// token. Other schemes lose the password.
std::string without_secrets(const std::string& url);

/// Where the content of a file comes from.
enum class Content {
  tree,  ///< the file in the working tree
  git,   ///< what git stores: of files with a filter (Git LFS, git-crypt), and of files outside of a sparse checkout
};

struct TravelFile {
  std::string path;  ///< bytes, relative to the top
  std::string mode;  ///< of the index: "100644", "100755", "120000"; empty for an untracked file
  std::string id;    ///< of the object in the index; empty for an untracked file
  Content content = Content::tree;
};

/// What travels of a checkout, and what does not.
struct Listing {
  std::vector<TravelFile> files;            ///< in the order of git
  std::vector<TravelFile> deleted;          ///< tracked, but not in the working tree
  std::vector<TravelFile> submodules = {};  ///< gitlinks of the index
  std::size_t untracked = 0;                ///< files that are neither tracked nor ignored, and do not travel
  std::size_t filtered = 0;                 ///< files that travel as git stores them because of a filter
  std::vector<std::string> nested;          ///< untracked repositories below this one, which never travel
};

/// The refusal of a submodule: `unsupported`, with its name.
std::unexpected<Error> fail_submodule(const std::string& path);

enum class Untracked { skip, include };
enum class Submodules { refuse, list };

/// Tracked files with their local changes; with Untracked::include also new files that are not ignored. Ignored files
/// never travel. `unsupported`, with the name, for a submodule that is refused. `busy` for unresolved conflicts.
/// `exhausted` for more than limits::kWorkspaceFiles.
Result<Listing> list_files(const Git& git, const Checkout& checkout, Untracked untracked,
                           Submodules submodules = Submodules::refuse);

}  // namespace banger::workspace

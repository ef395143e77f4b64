// A guest's working tree beside the commit that was prepared. All that the guest has written is data here. A repository
// of the host hashes and compares the files, without any configuration of the guest. The guest's packs pass through
// git-index-pack(1) first. Nothing of the guest is executed, and no file leaves the private directory. Blocking.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "workspace/guest_objects.h"
#include "workspace/manifest.h"
#include "workspace/unchanged.h"

namespace banger::workspace {

/// The size of a change. Binary files count as files, and have no lines.
struct Changes {
  std::size_t files = 0, added = 0, removed = 0;
};

class Comparison {
 public:
  /// `tree` is a guest's working tree with its `.git`, unpacked below the private `directory`, and is changed. `base`:
  /// a commit id, or HEAD and what git allows after it; empty: the commit that was prepared.
  ///
  /// `unchanged`: what the tree and its repository lack, because this host has it; only with an empty `base`.
  ///
  /// Errors: `not_found` for a base that is not there, `corrupt` for damaged objects, `exhausted` for objects that need
  /// more than limits::kGuestGitBytes of memory.
  static Result<Comparison> make(const host::GetEnv& env, const std::string& tree, const std::string& directory,
                                 const std::string& base, const StopFlag* stop = nullptr,
                                 const Unchanged* unchanged = nullptr);

  /// Writes what differs from the base: commits, changes that are not committed, and new files. New files that git
  /// ignores count if they are committed or staged. `options` are those of git-diff(1).
  Result<> write(const std::vector<const char*>& options, const std::vector<std::string>& paths, int out_fd) const;
  Result<Changes> changes() const;
  /// The number of commits that HEAD has and the base has not.
  Result<std::size_t> commits() const;
  /// The states of the files that count, or that were prepared.
  Result<FileStates> states() const;

  const GuestHead& head() const { return head_; }
  /// What the last prepare has left there.
  const std::optional<Manifest>& prepared() const { return prepared_; }
  /// Repositories inside the tree, which are left out.
  const std::vector<std::string>& nested() const { return nested_; }
  /// Why names that are only in the guest's index or commits are not known; empty: they are.
  const std::string& index_damage() const { return index_damage_; }

 private:
  Comparison(Git git, std::string own, std::string guest, std::string tree)
      : git_(std::move(git)), own_(std::move(own)), guest_(std::move(guest)), tree_(std::move(tree)) {}
  Result<> begin(const std::string& base, const Unchanged* unchanged);
  Result<> begin_index(const Unchanged* unchanged) const;
  Result<> take_head();
  Result<> make_own_repository(bool sha256) const;
  Result<> find_base(const std::string& revision);
  Result<> add(const Unchanged* unchanged);
  Result<std::string> tracked();
  std::vector<std::string> diff_against_base(const std::vector<const char*>& options) const;

  Git git_;
  std::string own_, guest_, tree_;
  std::string base_, base_commit_;  ///< a tree, and its commit; no commit for the empty tree
  GuestHead head_;
  std::optional<Manifest> prepared_;
  FileStates unchanged_;  ///< files that are not in the tree
  std::vector<std::string> nested_;
  std::string index_damage_;
};

}  // namespace banger::workspace

// Where the work in a guest begins: a commit, a branch and the files that travel. Blocking.
#pragma once

#include <string>
#include <vector>

#include "workspace/checkout.h"

namespace banger::workspace {

enum class Mode {
  shallow_overlay,  ///< the latest commits, and the working tree
  full_copy,        ///< all commits, branches and tags, and the working tree
  metadata_only,    ///< the latest commits, without the files
};

struct Wish {
  Mode mode = Mode::shallow_overlay;
  Untracked untracked = Untracked::skip;
  std::string branch;  ///< a new branch for the guest; empty: that of the checkout
  std::string from;    ///< where the new branch begins, without local changes; empty: HEAD and the working tree
};

struct Inner;

struct Start {
  Mode mode = Mode::shallow_overlay;
  std::string head;    ///< the commit; empty on an unborn branch
  std::string branch;  ///< empty: a detached HEAD
  Listing listing;
  bool working_tree = true;  ///< false: the files are those of `head`
  /// Submodules with files; only of Mode::full_copy. Their files are in `listing` too, without an id.
  std::vector<Inner> inner;
};

/// A submodule that is checked out.
struct Inner {
  std::string path;
  Checkout checkout;
  Start start;
};

/// `invalid` for a branch name that git refuses, and for a revision that is not there.
Result<Start> find_start(const Git& git, const Checkout& checkout, const Wish& wish);

}  // namespace banger::workspace

// Completion of a command line. Commands and options come from the descriptions, and names from a daemon that already
// runs.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "roles/cli/commands.h"

namespace banger::roles::cli {

struct Candidate {
  std::string word, about;
  bool operator==(const Candidate&) const = default;
};

struct Completion {
  std::vector<Candidate> candidates;
  bool files = false;        ///< the shell adds the names of files
  bool directories = false;  ///< the shell adds the names of directories only
};

/// The existing names of a kind. `vm` is the VM whose names are wanted, for names of things in a VM. Empty when no
/// daemon answers.
using LiveNames = std::function<std::vector<Candidate>(Names kind, const std::string& vm)>;

/// `words` are the words after `banger`. The last word is being typed, and may be empty. A name that was given is not
/// offered again.
Completion complete(const std::vector<std::string>& words, const LiveNames& live);

/// Asks the daemon, and gives up after 300 ms. Never starts a daemon.
LiveNames names_from_daemon(Io& io);

}  // namespace banger::roles::cli

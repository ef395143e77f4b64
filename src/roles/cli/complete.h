// What may come next on a command line: from the descriptions, and live names from a daemon that already runs.
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
  bool files = false;        ///< the shell adds file names
  bool directories = false;  ///< or only directories
};

/// Live names of a kind; empty when nobody can tell.
using LiveNames = std::function<std::vector<Candidate>(Names kind)>;

/// `words` are those after `banger`; the last one, maybe empty, is being typed. A name already given is not offered
/// again.
Completion complete(const std::vector<std::string>& words, const LiveNames& live);

/// Asks the running daemon, which is never started; gives up after 300 ms.
LiveNames names_from_daemon(Io& io);

}  // namespace banger::roles::cli

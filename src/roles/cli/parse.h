// From words to Args, by a command's description. CLI11 reads the options; what a value may be and what a mistake is
// called is ours, so that every command says it the same way.
#pragma once

#include <string>
#include <vector>

#include "roles/cli/command.h"

namespace banger::roles::cli {

/// `words` are those after the command's name. `invalid` for every mistake (exit status 2), with the nearest flag as
/// hint. With --help among the words nothing else is checked.
Result<Args> parse_args(const Command& command, const std::vector<std::string>& words);

}  // namespace banger::roles::cli

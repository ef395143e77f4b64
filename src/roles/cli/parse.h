// Parses words to Args, by a command's description. CLI11 reads the options. This code checks the values and words the
// errors, so that all commands report mistakes in the same way.
#pragma once

#include <string>
#include <vector>

#include "roles/cli/command.h"

namespace banger::roles::cli {

/// `words` are the words after the command's name. `invalid` for every mistake (exit status 2), with the most similar
/// option as the hint. If --help is among the words, nothing else is checked.
Result<Args> parse_args(const Command& command, const std::vector<std::string>& words);

/// The option of this spelling, `--name` or `-n`. Null when the command has no such option.
const Option* find_option(const Command& command, std::string_view spelling);
bool takes_value(const Option& option);

}  // namespace banger::roles::cli

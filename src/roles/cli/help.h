// The text of --help, from the descriptions of commands.
#pragma once

#include <functional>
#include <string>

#include "roles/cli/commands.h"

namespace banger::roles::cli {

/// Returns the default of a `default_key` on this host, as text for people. Empty when it is unknown.
using ResolveDefault = std::function<std::string(std::string_view key)>;

std::string usage_line(const Command& command);
/// `-n, --name NAME`. A toggle is `--nat, --no-nat`.
std::string option_spelling(const Option& option);
/// `text` in lines of at most `width` columns.
std::vector<std::string> wrap(std::string_view text, std::size_t width);

std::string command_help(const Command& command, const ResolveDefault& resolve, std::size_t width = 80);
std::string group_help(const Group& group, std::size_t width = 80);
std::string top_help(std::size_t width = 80);

}  // namespace banger::roles::cli

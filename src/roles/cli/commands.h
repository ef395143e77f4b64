// The table of commands.
#pragma once

#include <span>

#include "roles/cli/command.h"

namespace banger::roles::cli {

struct Group {
  std::string_view name, summary;
};

std::span<const Command* const> all_commands();
std::span<const Group> all_groups();

const Group* find_group(std::string_view name);
/// By name or alias within a group ("" is the top level).
const Command* find_command(std::string_view group, std::string_view name);
/// Names and aliases that may be suggested or completed within a group; groups themselves are in the top level.
std::vector<std::string> command_names(std::string_view group);

}  // namespace banger::roles::cli

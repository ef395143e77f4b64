// The table of commands.
#pragma once

#include <span>

#include "roles/cli/command.h"

namespace banger::roles::cli {

/// What comes before the names of commands that belong together. A group may hold groups: "vm snapshot" is in "vm".
struct Group {
  std::string_view name, summary;

  std::string_view parent() const;     ///< "vm" of "vm snapshot", "" of "vm"
  std::string_view last_word() const;  ///< "snapshot" of "vm snapshot"
};

std::span<const Command* const> all_commands();
std::span<const Group> all_groups();

const Group* find_group(std::string_view name);
/// The group that the first words name, as deep as they go, and how many words that took; null and 0 for none.
struct GroupPath {
  const Group* group = nullptr;
  std::size_t words = 0;
  std::string_view name() const { return group ? group->name : std::string_view(); }
};
GroupPath find_group_path(std::span<const std::string> words);
/// By name or alias within a group ("" is the top level).
const Command* find_command(std::string_view group, std::string_view name);
/// Names and aliases that may be suggested within a group, those of the groups in it too.
std::vector<std::string> command_names(std::string_view group);

}  // namespace banger::roles::cli

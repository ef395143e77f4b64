// The table of commands.
#pragma once

#include <span>

#include "roles/cli/command.h"

namespace banger::roles::cli {

/// The words before the names of related commands. A group may contain groups: "vm snapshot" is in "vm".
struct Group {
  std::string_view name, summary;

  std::string_view parent() const;     ///< "vm" of "vm snapshot", "" of "vm"
  std::string_view last_word() const;  ///< "snapshot" of "vm snapshot"
};

std::span<const Command* const> all_commands();
std::span<const Group> all_groups();

const Group* find_group(std::string_view name);
/// The deepest group that the first words name, and the number of these words. Null and 0 if there is no such group.
struct GroupPath {
  const Group* group = nullptr;
  std::size_t words = 0;
  std::string_view name() const { return group ? group->name : std::string_view(); }
};
GroupPath find_group_path(std::span<const std::string> words);
/// A command of a group by its name or alias. The group "" is the top level.
const Command* find_command(std::string_view group, std::string_view name);
/// The names that an error may suggest within a group: of commands, their aliases and inner groups.
std::vector<std::string> command_names(std::string_view group);

}  // namespace banger::roles::cli

#include "roles/cli/habits.h"

#include <fmt/format.h>

#include "base/text.h"
#include "roles/cli/commands.h"

namespace banger::roles::cli {

namespace {

struct Habit {
  std::string_view word;
  std::string_view line;  ///< what to write instead, after `banger`
};

constexpr Habit kHabits[] = {
    {"attach", "vm shell"},   {"build", "image build"}, {"console", "vm logs"},   {"copy", "vm cp"},
    {"destroy", "vm delete"}, {"enter", "vm shell"},    {"images", "image list"}, {"info", "vm show"},
    {"inspect", "vm show"},   {"launch", "vm run"},     {"pause", "vm suspend"},  {"port", "vm ports"},
    {"ps", "vm list"},        {"purge", "gc"},          {"status", "vm list"},    {"top", "vm stats"},
    {"unpause", "vm resume"},
};

struct OptionHabit {
  std::string_view command, option;
  std::string_view instead;
};

constexpr std::string_view kNoTimes = "a console has no times; in the guest, 'journalctl --since' has them";
constexpr OptionHabit kOptionHabits[] = {
    {"vm logs", "--since", kNoTimes},         {"vm logs", "--until", kNoTimes},
    {"vm logs", "--timestamps", kNoTimes},    {"vm stop", "--force", "'banger vm kill' ends a VM at once"},
    {"vm stop", "--time", "write --timeout"}, {"vm restart", "--time", "write --timeout"},
};

std::string hint(std::string_view line) { return fmt::format("did you mean 'banger {}'?", line); }

}  // namespace

std::string habit_hint(std::string_view group, std::string_view word) {
  if (!group.empty() && group != "vm") return "";
  if (group.empty()) {
    if (const Command* command = find_command("vm", word)) return hint(full_name(*command));
    if (const Group* inner = find_group(fmt::format("vm {}", word))) return hint(inner->name);
  }
  for (const auto& habit : kHabits)
    if (habit.word == word) return hint(habit.line);
  return "";
}

std::string misspelt_habit_hint(std::string_view group, std::string_view word) {
  if (!group.empty() && group != "vm") return "";
  std::vector<std::string> words;
  if (group.empty()) words = command_names("vm");
  for (const auto& habit : kHabits) words.emplace_back(habit.word);
  auto near = nearest(word, words);
  return near.empty() ? "" : habit_hint(group, near.front());
}

std::string option_hint(std::string_view command, std::string_view option) {
  for (const auto& habit : kOptionHabits)
    if (habit.command == command && habit.option == option) return std::string(habit.instead);
  return "";
}

}  // namespace banger::roles::cli

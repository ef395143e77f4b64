#include "roles/cli/help.h"

#include <ctype.h>
#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"

namespace banger::roles::cli {

namespace {

struct Row {
  std::string left, right;
};

std::string rows_text(const std::vector<Row>& rows, std::size_t width) {
  std::size_t widest = 0;
  for (const auto& row : rows) widest = std::max(widest, display_width(row.left));
  auto column = std::min<std::size_t>(widest, 30) + 4;
  std::string text;
  for (const auto& row : rows) {
    std::string line = "  " + row.left;
    if (row.right.empty()) {
      text += line + "\n";
      continue;
    }
    // If the left side is too long, the explanation starts on the next line.
    if (display_width(line) + 2 > column) {
      text += line + "\n";
      line.clear();
    }
    for (const auto& part : wrap(row.right, std::max<std::size_t>(width - column, 20))) {
      text += fmt::format("{}{:{}}{}\n", line, "", column - display_width(line), part);
      line.clear();
    }
  }
  return text;
}

std::string option_help(const Option& option, const ResolveDefault& resolve) {
  std::string text(option.help);
  if (!option.choices.empty()) text += fmt::format(": {}", fmt::join(option.choices, ", "));
  if (option.default_key.empty()) return text;
  auto value = resolve ? resolve(option.default_key) : std::string();
  return value.empty() ? text : fmt::format("{} (default: {})", text, value);
}

std::string capitalised(std::string_view text) {
  std::string out(text);
  if (!out.empty()) out[0] = static_cast<char>(::toupper(out[0]));
  return out;
}

std::string summary_of(const Command& command) {
  std::string text(command.summary);
  if (!command.aliases.empty()) text += fmt::format(" (also: {})", fmt::join(command.aliases, ", "));
  return text;
}

// The row of a group: its purpose and its commands.
Row group_row(const Group& group) {
  std::vector<std::string_view> names;
  for (const Command* command : all_commands())
    if (command->group == group.name && !command->hidden) names.push_back(command->name);
  for (const auto& inner : all_groups())
    if (inner.parent() == group.name) names.push_back(inner.last_word());
  return {std::string(group.last_word()), fmt::format("{}: {}", group.summary, fmt::join(names, ", "))};
}

std::vector<Row> command_rows(std::string_view group) {
  std::vector<Row> rows;
  for (const Command* command : all_commands())
    if (command->group == group && !command->hidden) rows.push_back({std::string(command->name), summary_of(*command)});
  return rows;
}

std::vector<Row> group_rows(std::string_view parent) {
  std::vector<Row> rows;
  for (const auto& group : all_groups())
    if (group.parent() == parent) rows.push_back(group_row(group));
  return rows;
}

}  // namespace

std::vector<std::string> wrap(std::string_view text, std::size_t width) {
  std::vector<std::string> lines;
  std::string line;
  for (auto word : split(text, ' ')) {
    if (word.empty()) continue;
    if (!line.empty() && display_width(line) + 1 + display_width(word) > width)
      lines.push_back(std::exchange(line, ""));
    if (!line.empty()) line += ' ';
    line += word;
  }
  if (!line.empty() || lines.empty()) lines.push_back(line);
  return lines;
}

std::string usage_line(const Command& command) {
  std::string text = "banger " + full_name(command);
  if (!command.options.empty()) text += " [options]";
  for (const auto& positional : command.positionals) {
    auto name = std::string(positional.name) + (positional.repeated ? "..." : "");
    text += positional.required ? " " + name : " [" + name + "]";
  }
  if (command.words_follow) return fmt::format("{} {}", text, command.words);
  if (!command.words.empty())
    text += command.words_required ? fmt::format(" -- {}", command.words) : fmt::format(" [-- {}]", command.words);
  return text;
}

std::string option_spelling(const Option& option) {
  std::string text = option.letter ? fmt::format("-{}, ", option.letter) : "    ";
  text += fmt::format("--{}", option.name);
  if (option.kind == Kind::toggle) text += fmt::format(", --no-{}", option.name);
  if (!option.value.empty()) text += fmt::format(" {}", option.value);
  return text;
}

std::string command_help(const Command& command, const ResolveDefault& resolve, std::size_t width) {
  std::string text = fmt::format("Usage: {}\n\n", usage_line(command));
  auto summary = capitalised(summary_of(command)) + ".";
  for (const auto& line : wrap(summary, width)) text += line + "\n";
  for (auto paragraph : split(command.details, '\n')) {
    if (paragraph.empty()) continue;
    text += "\n";
    for (const auto& line : wrap(paragraph, width)) text += line + "\n";
  }
  std::vector<Row> rows;
  for (const auto& positional : command.positionals)
    rows.push_back({std::string(positional.name), std::string(positional.help)});
  if (!rows.empty()) text += "\nArguments:\n" + rows_text(rows, width);
  rows.clear();
  for (const auto& option : command.options) rows.push_back({option_spelling(option), option_help(option, resolve)});
  for (const auto& option : common_options()) rows.push_back({option_spelling(option), option_help(option, resolve)});
  text += "\nOptions:\n" + rows_text(rows, width);
  if (!command.examples.empty()) {
    rows.clear();
    for (const auto& example : command.examples) rows.push_back({std::string(example.line), std::string(example.what)});
    text += "\nExamples:\n" + rows_text(rows, width);
  }
  return text;
}

std::string group_help(const Group& group, std::size_t width) {
  auto rows = command_rows(group.name);
  for (auto& row : group_rows(group.name)) rows.push_back(std::move(row));
  return fmt::format("Usage: banger {} COMMAND\n\n{}.\n\nCommands:\n{}\nSee 'banger {} COMMAND --help'.\n", group.name,
                     capitalised(group.summary), rows_text(rows, width), group.name);
}

std::string top_help(std::size_t width) {
  std::string text =
      "Usage: banger COMMAND\n\nDisposable Linux VMs in one command.\n\n"
      "  banger vm run                     a shell in a fresh VM\n"
      "  banger vm run --rm -- uname -a    one command; then the VM is deleted\n\nCommands:\n";
  auto rows = group_rows("");
  for (auto& row : command_rows("")) rows.push_back(std::move(row));
  text += rows_text(rows, width);
  return text + "\nSee 'banger COMMAND --help'. 'banger --version' prints the version.\n";
}

}  // namespace banger::roles::cli

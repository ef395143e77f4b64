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
    // A long left side has its explanation below it.
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

std::string summary_of(const Command& command) {
  std::string text(command.summary);
  if (!command.aliases.empty()) text += fmt::format(" (also: {})", fmt::join(command.aliases, ", "));
  return text;
}

std::vector<Row> command_rows(std::string_view group) {
  std::vector<Row> rows;
  for (const Command* command : all_commands())
    if (command->group == group && !command->hidden) rows.push_back({std::string(command->name), summary_of(*command)});
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
  auto summary = summary_of(command) + ".";
  summary[0] = static_cast<char>(::toupper(summary[0]));
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
  return fmt::format("Usage: banger {} COMMAND\n\nCommands to {}:\n{}\nSee 'banger {} COMMAND --help'.\n", group.name,
                     group.summary, rows_text(command_rows(group.name), width), group.name);
}

std::string top_help(std::size_t width) {
  std::string text =
      "Usage: banger COMMAND\n\nDisposable Linux VMs in one command.\n\n"
      "  banger vm run                     a shell in a fresh VM\n"
      "  banger vm run --rm -- uname -a    one command, then the VM is gone\n\nCommands:\n";
  std::vector<Row> rows;
  for (const auto& group : all_groups()) {
    std::vector<std::string_view> names;
    for (const Command* command : all_commands())
      if (command->group == group.name && !command->hidden) names.push_back(command->name);
    rows.push_back({std::string(group.name), fmt::format("{}: {}", group.summary, fmt::join(names, ", "))});
  }
  for (auto& row : command_rows("")) rows.push_back(std::move(row));
  text += rows_text(rows, width);
  return text + "\nSee 'banger COMMAND --help'. 'banger --version' prints the version.\n";
}

}  // namespace banger::roles::cli

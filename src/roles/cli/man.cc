#include "roles/cli/man.h"

#include <fmt/format.h>

#include "base/text.h"
#include "roles/cli/help.h"

namespace banger::roles::cli {

namespace {

// Escapes text for troff. A dot at the start of a line must not be a request. Hyphens must stay hyphens when a reader
// copies them.
std::string escape(std::string_view text) {
  std::string out;
  if (text.starts_with('.') || text.starts_with('\'')) out += "\\&";
  for (char c : text) {
    if (c == '\\')
      out += "\\e";
    else if (c == '-')
      out += "\\-";
    else
      out += c;
  }
  return out;
}

// "vm run" becomes banger-vm-run.
std::string page_name(std::string words) {
  for (char& c : words)
    if (c == ' ') c = '-';
  return "banger-" + words;
}

std::string page_name(const Command& command) { return page_name(full_name(command)); }
std::string page_name(const Group& group) { return page_name(std::string(group.name)); }

std::string head(const std::string& name, std::string_view summary) {
  auto title = name;
  for (char& c : title) c = static_cast<char>(c >= 'a' && c <= 'z' ? c - 32 : c);
  return fmt::format(".TH \"{}\" 1 \"\" \"banger {}\" \"banger manual\"\n.SH NAME\n{} \\- {}\n", title, BANGER_VERSION,
                     escape(name), escape(summary));
}

std::string item(std::string_view left, std::string_view right) {
  return fmt::format(".TP\n.B {}\n{}\n", escape(left), right.empty() ? "\\&" : escape(right));
}

std::string option_items(std::span<const Option> options) {
  std::string text;
  for (const auto& option : options) {
    auto help = std::string(option.help);
    if (!option.choices.empty()) help += fmt::format(": {}", fmt::join(option.choices, ", "));
    if (!option.default_key.empty()) help += " (default: from the config or the host)";
    text += item(trim(option_spelling(option)), help);
  }
  return text;
}

std::string command_page(const Command& command) {
  auto text = head(page_name(command), command.summary);
  text += fmt::format(".SH SYNOPSIS\n.B {}\n", escape(usage_line(command)));
  text += ".SH DESCRIPTION\n" + escape(std::string(command.summary) + ".") + "\n";
  for (auto paragraph : split(command.details, '\n'))
    if (!paragraph.empty()) text += ".PP\n" + escape(paragraph) + "\n";
  if (!command.aliases.empty())
    text += fmt::format(".PP\nAlso called: {}.\n", escape(fmt::format("{}", fmt::join(command.aliases, ", "))));
  if (!command.positionals.empty()) text += ".SH ARGUMENTS\n";
  for (const auto& positional : command.positionals) text += item(positional.name, positional.help);
  text += ".SH OPTIONS\n" + option_items(command.options) + option_items(common_options());
  if (!command.examples.empty()) text += ".SH EXAMPLES\n";
  for (const auto& example : command.examples) text += item(example.line, example.what);
  return text + ".SH SEE ALSO\n.BR banger (1)\n";
}

std::string see_item(const std::string& page, std::string_view summary) {
  return fmt::format(".TP\n.BR {} (1)\n{}\n", escape(page), escape(summary));
}

std::string command_items(std::string_view group) {
  std::string text;
  for (const Command* command : all_commands())
    if (command->group == group && !command->hidden) text += see_item(page_name(*command), command->summary);
  return text;
}

std::string group_items(std::string_view parent) {
  std::string text;
  for (const auto& group : all_groups())
    if (group.parent() == parent) text += see_item(page_name(group), group.summary);
  return text;
}

std::string group_page(const Group& group) {
  return head(page_name(group), group.summary) +
         fmt::format(".SH SYNOPSIS\n.B banger {}\n.I COMMAND\n.SH COMMANDS\n", group.name) + command_items(group.name) +
         group_items(group.name) + ".SH SEE ALSO\n.BR banger (1)\n";
}

constexpr std::string_view kExitStatus =
    ".SH EXIT STATUS\n.TP\n.B 0\nSuccess.\n.TP\n.B 1\nThe answer is no: a check of the doctor failed, or no daemon "
    "runs.\n"
    ".TP\n.B 2\nThe command line was wrong.\n.TP\n.B 125\nbanger failed.\n.TP\n.B 126\nThe guest cannot execute the "
    "command.\n"
    ".TP\n.B 127\nThe guest has no such command.\n.TP\n.B 130\nInterrupted.\n.PP\n"
    "After a command in a guest, the status is that of the command. If a signal ended the command or banger, the "
    "status is "
    "128 plus the number of the signal.\n";

constexpr std::string_view kEnvironment =
    ".SH ENVIRONMENT\n.TP\n.B XDG_CONFIG_HOME, XDG_STATE_HOME, XDG_DATA_HOME, XDG_CACHE_HOME\n"
    "The directories for the config, VMs, images and caches. banger writes nothing elsewhere.\n"
    ".TP\n.B NO_COLOR\nIf this variable is set and not empty, banger prints no colours.\n";

std::string top_page() {
  auto text = head("banger", "disposable Linux VMs in one command");
  text +=
      ".SH SYNOPSIS\n.B banger\n.I COMMAND\n.SH DESCRIPTION\n"
      "Makes a disposable Linux VM in one command, with or without KVM, with or without root.\n.SH COMMANDS\n";
  return text + group_items("") + command_items("") + std::string(kExitStatus) + std::string(kEnvironment);
}

}  // namespace

std::vector<ManPage> man_pages() {
  std::vector<ManPage> pages{{"banger", top_page()}};
  for (const auto& group : all_groups()) pages.push_back({page_name(group), group_page(group)});
  for (const Command* command : all_commands())
    if (!command->hidden) pages.push_back({page_name(*command), command_page(*command)});
  return pages;
}

}  // namespace banger::roles::cli

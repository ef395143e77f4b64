#include "roles/cli/parse.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <charconv>

#include "base/text.h"
#include "roles/cli/habits.h"

namespace banger::roles::cli {

namespace {

std::vector<const Option*> options_of(const Command& command) {
  std::vector<const Option*> options;
  for (const auto& option : command.options) options.push_back(&option);
  for (const auto& option : common_options()) options.push_back(&option);
  return options;
}

std::string spelling(const Option& option) {
  std::string text =
      option.letter ? fmt::format("-{},--{}", option.letter, option.name) : fmt::format("--{}", option.name);
  if (option.kind == Kind::toggle) text += fmt::format(",!--no-{}", option.name);
  return text;
}

std::unexpected<Error> unknown_flag(const Command& command, std::string_view word) {
  auto name = std::string(word.substr(0, word.find('=')));
  std::vector<std::string> flags;
  for (const Option* option : options_of(command)) {
    flags.push_back(fmt::format("--{}", option->name));
    if (option->kind == Kind::toggle) flags.push_back(fmt::format("--no-{}", option->name));
  }
  auto hint = option_hint(full_name(command), name);
  if (hint.empty()) hint = did_you_mean(name, flags);
  return fail(ErrorCode::invalid, fmt::format("'{}' has no option '{}'", full_name(command), printable(name)),
              hint.empty() ? fmt::format("see 'banger {} --help'", full_name(command)) : hint);
}

Result<std::string> check_count(const Option& option, const std::string& value) {
  std::uint32_t number = 0;
  auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
  if (error != std::errc{} || end != value.data() + value.size())
    return fail(ErrorCode::invalid, fmt::format("--{}: '{}' is not a whole number", option.name, printable(value)),
                option.kind == Kind::lines ? "write it like 20, or all" : "");
  return std::to_string(number);
}

Result<std::string> check_size(const Option& option, const std::string& value) {
  auto bytes = TRY(in(fmt::format("--{}", option.name), parse_size(value, "M")));
  if (bytes > INT64_MAX) return fail(ErrorCode::invalid, fmt::format("--{}: '{}' is too large", option.name, value));
  return std::to_string(bytes);
}

Result<> check_choice(std::string_view what, std::span<const std::string_view> choices, const std::string& value) {
  if (choices.empty() || std::ranges::find(choices, value) != choices.end()) return {};
  std::vector<std::string> known(choices.begin(), choices.end());
  return fail(ErrorCode::invalid,
              fmt::format("{}: '{}' is not one of {}", what, printable(value), fmt::join(choices, ", ")),
              did_you_mean(value, known));
}

Result<std::string> check_value(const Option& option, const std::string& value) {
  switch (option.kind) {
    case Kind::count:
      return check_count(option, value);
    case Kind::lines:
      if (value == "all") return std::string("-1");
      return check_count(option, value);
    case Kind::size:
      return check_size(option, value);
    case Kind::duration:
      return std::to_string(TRY(in(fmt::format("--{}", option.name), parse_duration(value))).count());
    case Kind::pair:
      if (value.empty() || value[0] == '=')
        return fail(ErrorCode::invalid, fmt::format("--{}: '{}' has no key", option.name, printable(value)),
                    fmt::format("write it like {}", option.value));
      return value;
    default:
      break;
  }
  TRY(check_choice(fmt::format("--{}", option.name), option.choices, value));
  return value;
}

struct Split {
  std::vector<std::string> ours, words;
  bool separator = false;
};

bool is_option(std::string_view word) { return word.size() > 1 && word[0] == '-'; }

// Whether the value of this option is the next word: after `--name`, and after letters of which the last has a value.
bool value_is_next(const Command& command, std::string_view word) {
  if (word.starts_with("--")) {
    const Option* option = find_option(command, word);
    return option && takes_value(*option);
  }
  for (std::size_t i = 1; i < word.size(); ++i)
    if (const Option* option = find_option(command, std::string{'-', word[i]}); option && takes_value(*option))
      return i + 1 == word.size();
  return false;
}

// Where the command for the guest begins: at `--`, or after the positionals if the command allows that.
std::vector<std::string>::const_iterator words_begin(const Command& command, const std::vector<std::string>& all) {
  if (!command.words_follow) return std::ranges::find(all, "--");
  std::size_t positionals = 0;
  for (auto word = all.begin(); word != all.end(); ++word) {
    if (*word == "--") return word;
    if (!is_option(*word)) {
      if (positionals++ == command.positionals.size()) return word;
    } else if (value_is_next(command, *word) && std::next(word) != all.end()) {
      ++word;
    }
  }
  return all.end();
}

Split split_words(const Command& command, const std::vector<std::string>& all) {
  auto at = words_begin(command, all);
  Split split{.ours = {all.begin(), at}, .words = {}, .separator = at != all.end() && *at == "--"};
  split.words.assign(at + split.separator, all.end());
  return split;
}

// CLI11 leaves the positionals over. A word that looks like an option is an error, unless it comes after "--".
Result<std::vector<std::string>> check_positionals(const Command& command, std::vector<std::string> left,
                                                   const std::vector<std::string>& after) {
  for (const auto& word : left)
    if (is_option(word)) return unknown_flag(command, word);
  left.insert(left.end(), after.begin(), after.end());
  std::size_t required = 0;
  bool repeated = false;
  for (const auto& positional : command.positionals) {
    required += positional.required;
    repeated |= positional.repeated;
  }
  if (left.size() < required)
    return fail(ErrorCode::invalid,
                fmt::format("'{}' needs {}", full_name(command), command.positionals[left.size()].name),
                fmt::format("see 'banger {} --help'", full_name(command)));
  if (!repeated && left.size() > command.positionals.size()) {
    auto extra = printable(left[command.positionals.size()]);
    return fail(ErrorCode::invalid, fmt::format("'{}' does not take '{}'", full_name(command), extra),
                command.words.empty() ? fmt::format("see 'banger {} --help'", full_name(command))
                                      : fmt::format("put '--' before the command: -- {} …", extra));
  }
  // With a repeated argument, a word cannot be assigned to its positional here.
  for (std::size_t i = 0; !repeated && i < left.size(); ++i)
    TRY(check_choice(command.positionals[i].name, command.positionals[i].choices, left[i]));
  return left;
}

Result<> check_words(const Command& command, const Split& split) {
  if (command.words_required && split.words.empty())
    return fail(ErrorCode::invalid, fmt::format("'{}' needs a command", full_name(command)),
                command.words_follow ? "put it at the end, as in: ls /" : "put it after '--', as in: -- ls /");
  if (split.separator && split.words.empty() && !command.words.empty())
    return fail(ErrorCode::invalid, "no command after '--'", "leave out '--', or write a command after it");
  return {};
}

struct Declared {
  const Option* option;
  CLI::Option* parsed;
};

Result<Args> read_options(const std::vector<Declared>& declared) {
  Args args;
  for (auto [option, parsed] : declared) {
    if (parsed->count() == 0) continue;
    auto& values = args.values[std::string(option->name)];
    for (const auto& value : parsed->results()) {
      bool plain = !takes_value(*option);
      if (plain && value != "true" && (option->kind == Kind::flag || value != "false"))
        return fail(ErrorCode::invalid,
                    fmt::format("--{} takes no value, but got '{}'", option->name, printable(value)));
      values.push_back(plain ? value : TRY(check_value(*option, value)));
    }
  }
  return args;
}

// CLI11's messages start with the option and a colon: "--name: 1 required TEXT missing".
Error parse_error(const Command& command, const CLI::ParseError& error) {
  std::string text = error.what();
  auto option = text.substr(0, text.find(':'));
  Error made{
      .code = ErrorCode::invalid, .message = text, .hint = fmt::format("see 'banger {} --help'", full_name(command))};
  if (dynamic_cast<const CLI::ArgumentMismatch*>(&error)) made.message = fmt::format("{} needs a value", option);
  return made;
}

}  // namespace

bool takes_value(const Option& option) { return option.kind != Kind::flag && option.kind != Kind::toggle; }

const Option* find_option(const Command& command, std::string_view spelling) {
  auto matches = [&](const Option& option) {
    if (spelling.starts_with("--")) return spelling.substr(2) == option.name;
    return spelling.size() == 2 && spelling[0] == '-' && spelling[1] == option.letter && option.letter;
  };
  for (const auto& options : {command.options, common_options()})
    for (const auto& option : options)
      if (matches(option)) return &option;
  return nullptr;
}

Result<Args> parse_args(const Command& command, const std::vector<std::string>& words) {
  auto split = split_words(command, words);
  CLI::App app;
  app.set_help_flag();
  app.allow_extras();
  std::vector<Declared> declared;
  for (const Option* option : options_of(command)) {
    bool valued = takes_value(*option);
    auto* made = valued ? app.add_option(spelling(*option)) : app.add_flag(spelling(*option));
    // The option takes one value each time, and may be repeated. The handler uses the last value, or all values.
    if (valued) made->expected(1, CLI::detail::expected_max_vector_size)->allow_extra_args(false);
    declared.push_back({option, made});
  }
  std::vector<std::string> left;
  try {
    app.parse(std::vector<std::string>(split.ours.rbegin(), split.ours.rend()));
    left = app.remaining();
  } catch (const CLI::ParseError& error) {
    return std::unexpected(parse_error(command, error));
  }
  if (std::ranges::any_of(declared, [](auto& d) { return d.option->name == "help" && d.parsed->count(); })) {
    Args args;
    args.values["help"] = {"true"};
    return args;
  }
  auto args = TRY(read_options(declared));
  // Without a command for the guest, the words after "--" are arguments that may begin with a dash.
  std::vector<std::string> after;
  if (command.words.empty()) after = std::exchange(split.words, {});
  args.positionals = TRY(check_positionals(command, std::move(left), after));
  TRY(check_words(command, split));
  args.words = std::move(split.words);
  return args;
}

}  // namespace banger::roles::cli

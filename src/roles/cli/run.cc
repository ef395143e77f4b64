#include "roles/cli/run.h"

#include <fmt/format.h>
#include <string.h>

#include <cerrno>

#include "base/text.h"
#include "host/files.h"
#include "roles/cli/commands.h"
#include "roles/cli/defaults.h"
#include "roles/cli/habits.h"
#include "roles/cli/help.h"
#include "roles/cli/parse.h"

namespace banger::roles::cli {

namespace {

bool asks_help(std::string_view word) { return word == "--help" || word == "-h"; }

std::vector<std::string> options_before_commands() {
  std::vector<std::string> names{"--version"};
  for (const auto& option : common_options()) names.push_back(fmt::format("--{}", option.name));
  return names;
}

int usage_error(const Io& io, const Error& error) {
  io.note(error.sentence());
  return exit_status::kUsage;
}

int unknown_command(const Io& io, std::string_view group, std::string_view word) {
  bool option = word.starts_with('-');
  auto what = option ? "option" : "command";
  auto hint = habit_hint(group, word);
  if (hint.empty()) hint = did_you_mean(word, option ? options_before_commands() : command_names(group));
  if (hint.empty() && !option) hint = misspelt_habit_hint(group, word);
  auto prefix = group.empty() ? std::string() : std::string(group) + " ";
  if (hint.empty()) hint = fmt::format("see 'banger {}--help'", prefix);
  return usage_error(io,
                     {.message = fmt::format("there is no {} '{}{}'", what, prefix, printable(word)), .hint = hint});
}

// Prints the parts of the error's sentence, one part on each line.
void print_causes(const Io& io, const Error& error) {
  std::string text;
  std::string_view rest = error.message;
  for (std::size_t depth = 1; !rest.empty(); ++depth) {
    auto at = rest.find(": ");
    text += fmt::format("{:{}}{}\n", "", depth * 2, safe_text(rest.substr(0, at)));
    rest = at == rest.npos ? std::string_view() : rest.substr(at + 2);
  }
  text += fmt::format("  code: {}\n", to_string(error.code));
  if (error.sys_errno) text += fmt::format("  errno: {} ({})\n", error.sys_errno, ::strerror(error.sys_errno));
  (void)host::write_all(io.err, text);
}

int failed(const Context& context, const Error& error) {
  if (error.code == ErrorCode::cancelled) {
    context.io.note("interrupted");
    return exit_status::kInterrupted;
  }
  context.io.note(safe_text(error.sentence()));
  if (context.args.flag("verbose")) print_causes(context.io, error);
  return exit_status::kFailed;
}

int run_command(Io& io, const Command& command, const std::vector<std::string>& words) {
  auto args = parse_args(command, words);
  if (!args) return usage_error(io, args.error());
  if (args->flag("help")) {
    io.print(command_help(command, resolve_defaults(io), help_width(io)));
    return exit_status::kOk;
  }
  Context context{io, command, std::move(*args)};
  auto status = command.handler(context);
  return status ? *status : failed(context, status.error());
}

bool asks_verbose(std::string_view word) { return word == "--verbose" || word == "-v"; }

// `-v` may stand before the command too. Such a `-v` moves behind the command.
std::vector<std::string> verbose_behind(std::vector<std::string> words) {
  std::vector<std::string> group;
  bool verbose = false;
  for (std::size_t i = 0; i < words.size();) {
    if (asks_verbose(words[i])) {
      verbose = true;
      words.erase(words.begin() + static_cast<long>(i));
      continue;
    }
    group.push_back(words[i++]);
    if (find_group_path(group).words == group.size()) continue;
    if (verbose) words.insert(words.begin() + static_cast<long>(i), "-v");
    break;
  }
  return words;
}

int dispatch(Io& io, const std::vector<std::string>& words) {
  if (words.empty()) {
    (void)host::write_all(io.err, top_help(help_width(io)));
    return exit_status::kUsage;
  }
  if (words[0] == "--version" || words[0] == "-V") {
    io.print("banger " BANGER_VERSION "\n");
    return exit_status::kOk;
  }
  if (asks_help(words[0])) {
    io.print(top_help(help_width(io)));
    return exit_status::kOk;
  }
  auto path = find_group_path(words);
  std::vector<std::string> rest(words.begin() + static_cast<long>(path.words), words.end());
  if (rest.empty()) {
    (void)host::write_all(io.err, group_help(*path.group, help_width(io)));
    return exit_status::kUsage;
  }
  if (asks_help(rest[0])) {
    io.print(group_help(*path.group, help_width(io)));
    return exit_status::kOk;
  }
  const Command* command = find_command(path.name(), rest[0]);
  return command ? run_command(io, *command, {rest.begin() + 1, rest.end()})
                 : unknown_command(io, path.name(), rest[0]);
}

}  // namespace

int run_line(Io& io, const std::vector<std::string>& words) {
  int status = dispatch(io, verbose_behind(words));
  if (io.out_errno == 0) return status;
  if (io.out_errno == EPIPE) return exit_status::kPipe;
  io.note(fmt::format("write to standard output: {}", ::strerror(io.out_errno)));
  return exit_status::kFailed;
}

}  // namespace banger::roles::cli

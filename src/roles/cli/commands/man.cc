// banger man: the manual pages, for packages and for readers. No installation is needed.
#include "roles/cli/man.h"

#include <fmt/format.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>

#include "base/text.h"
#include "host/child.h"
#include "host/files.h"
#include "roles/cli/commands.h"
#include "roles/cli/defaults.h"
#include "roles/cli/help.h"
#include "roles/cli/terminal.h"

namespace banger::roles::cli {

namespace {

constexpr Positional kPositionals[] = {{.name = "COMMAND",
                                        .help = "the command, as in: banger man vm run",
                                        .names = Names::command,
                                        .required = false,
                                        .repeated = true}};
constexpr Option kOptions[] = {{.name = "output",
                                .letter = 'o',
                                .kind = Kind::text,
                                .value = "DIR",
                                .help = "write every page as DIR/NAME.1",
                                .names = Names::directory}};

constexpr Example kExamples[] = {
    {"banger man vm run", "the page banger-vm-run"},
    {"banger man -o share/man/man1", "all pages, for a package"},
};

// man(1) of the host formats the page and shows it in the reader's pager. False when the host has no man(1), or only
// one that cannot read a page from its standard input.
Result<bool> show_with_man(const Io& io, const ManPage& page) {
  auto program = host::find_program("man", io.env("PATH").value_or("/usr/bin:/bin"));
  if (!program) return false;
  UniqueFd text(::memfd_create(page.name.c_str(), MFD_CLOEXEC));
  if (!text) return fail_errno("memfd_create");
  TRY(host::write_all(text.get(), page.text));
  if (::lseek(text.get(), 0, SEEK_SET) < 0) return fail_errno("lseek");
  // Ctrl-C is for the pager.
  auto signals = TRY(Signals::interrupts());
  auto child = TRY(host::spawn({.argv = {*program, "-l", "-"},
                                .env = io.environment,
                                .cwd = "",
                                .stdin_fd = text.get(),
                                .stdout_fd = io.out,
                                .stderr_fd = io.err}));
  return child.wait().shell_code() == 0;
}

std::string help_text(const Io& io, const std::vector<std::string>& words) {
  auto path = find_group_path(words);
  if (words.empty()) return top_help(help_width(io));
  if (path.words == words.size()) return group_help(*path.group, help_width(io));
  const Command* command = find_command(path.name(), words[path.words]);
  return command ? command_help(*command, resolve_defaults(io), help_width(io)) : std::string();
}

Result<int> run(Context& context) {
  auto pages = man_pages();
  if (auto directory = context.args.text("output")) {
    TRY(host::make_directories(*directory));
    for (const auto& page : pages)
      TRY(host::write_file(fmt::format("{}/{}.1", *directory, page.name), page.text, 0644));
    return exit_status::kOk;
  }
  auto wanted = "banger" + (context.args.positionals.empty() ? "" : "-" + join(context.args.positionals, "-"));
  auto page = std::ranges::find(pages, wanted, &ManPage::name);
  if (page == pages.end()) return context.usage(fmt::format("there is no manual page '{}'", printable(wanted)));
  bool reader = context.io.out_is_terminal();
  if (reader && TRY(show_with_man(context.io, *page))) return exit_status::kOk;
  context.io.print(reader ? help_text(context.io, context.args.positionals) : page->text);
  return exit_status::kOk;
}

}  // namespace

extern const Command kMan;
constinit const Command kMan{
    .name = "man",
    .summary = "show a manual page",
    .details =
        "On a terminal, the man of this host shows the page in your pager. Without a man, you get the text of --help. "
        "A file or a pipe gets the page in the language of man.",
    .positionals = kPositionals,
    .options = kOptions,
    .examples = kExamples,
    .handler = run,
};

}  // namespace banger::roles::cli

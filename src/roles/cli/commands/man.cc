// banger man: the manual pages, for packages and for readers. The command is hidden, because --help has the same text.
#include "roles/cli/man.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "host/files.h"

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
  context.io.print(page->text);
  return exit_status::kOk;
}

}  // namespace

extern const Command kMan;
constinit const Command kMan{
    .name = "man",
    .summary = "print or write manual pages",
    .positionals = kPositionals,
    .options = kOptions,
    .hidden = true,
    .handler = run,
};

}  // namespace banger::roles::cli

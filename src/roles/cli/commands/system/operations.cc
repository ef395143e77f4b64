// banger system operations: the operations of the root helper. docs/privileges.md is the output of this command. The
// command is hidden, because it exists only for that page.
#include <nlohmann/json.hpp>

#include "capabilities/privileged_table.h"
#include "roles/cli/output.h"
#include "roles/cli/system/privileges_page.h"

namespace banger::roles::cli {

namespace {

constexpr Option kOptions[] = {{.name = "markdown", .help = "print docs/privileges.md"}};

Result<int> run(Context& context) {
  if (context.args.flag("markdown")) {
    context.io.print(privileges_page());
    return exit_status::kOk;
  }
  Table table({"OPERATION", "EFFECT"});
  for (const auto* operation : capabilities::privileged_table())
    table.add({std::string(operation->name), std::string(operation->summary)});
  context.io.print(table.text(colours_of(context)));
  return exit_status::kOk;
}

}  // namespace

extern const Command kSystemOperations;
constinit const Command kSystemOperations{
    .group = "system",
    .name = "operations",
    .summary = "list the operations of the root helper",
    .options = kOptions,
    .hidden = true,
    .handler = run,
};

}  // namespace banger::roles::cli

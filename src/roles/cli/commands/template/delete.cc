// banger template delete
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "api/objects/template.h"
#include "roles/cli/connect.h"
#include "roles/cli/fan_out.h"
#include "roles/cli/output.h"

namespace banger::roles::cli {

namespace {

constexpr std::string_view kAliases[] = {"rm"};
constexpr Positional kPositionals[] = {{.name = "TEMPLATE",
                                        .help = "ids or unique id prefixes",
                                        .names = Names::machine_template,
                                        .required = false,
                                        .repeated = true}};
constexpr Option kOptions[] = {{.name = "all", .letter = 'a', .help = "delete all templates"}, kResultsOption};

Result<int> remove_all(Context& context) {
  auto daemon = TRY(Daemon::connect(context.io));
  auto result = TRY(daemon.get<api::DeletedTemplates>("template.delete", {{"all", true}}));
  if (form_of(context.args) == Form::json) {
    print_json(context.io, std::vector{result});
    return exit_status::kOk;
  }
  for (const auto& id : result.deleted) context.io.print(fmt::format("{}: deleted\n", safe_text(id)));
  return exit_status::kOk;
}

Result<int> remove(Context& context) {
  bool all = context.args.flag("all");
  if (all != context.args.positionals.empty())
    return context.usage(all ? "--all and TEMPLATE exclude each other" : "'template delete' needs TEMPLATE or --all",
                         "see 'banger template list'");
  if (all) return remove_all(context);
  return delete_each<api::DeletedTemplates>(context, {.method = "template.delete", .key = "template"}, Json::object());
}

}  // namespace

extern const Command kTemplateDelete;
constinit const Command kTemplateDelete{
    .group = "template",
    .name = "delete",
    .aliases = kAliases,
    .summary = "delete templates; running clones go on",
    .positionals = kPositionals,
    .options = kOptions,
    .handler = remove,
};

}  // namespace banger::roles::cli

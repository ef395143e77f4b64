// banger vm set
#include <nlohmann/json.hpp>

#include "api/objects/vm.h"
#include "base/arrays.h"
#include "base/text.h"
#include "roles/cli/arguments.h"
#include "roles/cli/fan_out.h"
#include "roles/cli/pending_changes.h"
#include "roles/cli/secret_values.h"
#include "roles/cli/vm_options.h"

namespace banger::roles::cli {

namespace {

constexpr Positional kPositionals[] = {kVmsArgument};
constexpr auto kOptions =
    concat(std::to_array<Option>(
               {{.name = "name", .kind = Kind::text, .value = "NAME", .help = "a new name, for one VM only"}}),
           vm::from_fields<&vm::Field::can_change, set_option>(),
           std::to_array<Option>({{.name = "clear-labels", .help = "remove all labels"},
                                  {.name = "clear-publish", .help = "publish no ports any more"},
                                  {.name = "clear-allow", .help = "allow no hosts beyond the policy any more"},
                                  {.name = "clear-secrets", .help = "have no secrets any more"},
                                  kResultsOption}));

// Both parts of the policy decide together, so a change of one shows both.
std::string egress_of(const api::VmObject& vm) {
  auto text = "; egress " + vm.egress;
  if (vm.allow && !vm.allow->empty()) text += ", and " + join(*vm.allow, ", ");
  return safe_text(text);
}

Result<int> set(Context& context) {
  Json params = given_shape(context.args);
  if (context.args.flag("clear-labels")) {
    if (params.contains("labels")) return context.usage("--clear-labels and --label exclude each other");
    params["labels"] = Json::object();
  }
  if (context.args.flag("clear-publish")) {
    if (params.contains("publish")) return context.usage("--clear-publish and --publish exclude each other");
    params["publish"] = Json::array();
  }
  if (context.args.flag("clear-allow")) {
    if (params.contains("allow")) return context.usage("--clear-allow and --allow exclude each other");
    params["allow"] = Json::array();
  }
  if (context.args.flag("clear-secrets")) {
    if (params.contains("secrets")) return context.usage("--clear-secrets and --secret exclude each other");
    params["secrets"] = Json::array();
  }
  TRY(add_secret_values(context, params));
  if (params.empty()) return context.usage("'vm set' needs an option", "see 'banger vm set --help'");
  bool one_only = params.contains("publish") && !params["publish"].empty();
  if (one_only && context.args.positionals.size() > 1)
    return context.usage("--publish is for one VM", "several VMs cannot have the same port of this host");
  if (params.contains("name") && context.args.positionals.size() > 1)
    return context.usage("--name is for one VM", "several VMs cannot have the same name");
  bool shows_egress = params.contains("egress") || params.contains("allow");
  return fan_out<api::VmObject>(context, {.method = "vm.set"}, params, [&](const auto& vm) {
    return "set" + (shows_egress ? egress_of(vm) : "") + pending_changes(vm);
  });
}

}  // namespace

extern const Command kVmSet;
constinit const Command kVmSet{
    .group = "vm",
    .name = "set",
    .summary = "change VMs; prints which changes need a restart",
    .positionals = kPositionals,
    .options = kOptions,
    .handler = set,
};

}  // namespace banger::roles::cli

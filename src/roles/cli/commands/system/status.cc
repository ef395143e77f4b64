// banger system status
#include <nlohmann/json.hpp>

#include "roles/cli/command.h"
#include "roles/cli/fields.h"
#include "roles/cli/system/install.h"
#include "roles/cli/system/services.h"
#include "roles/cli/table.h"

namespace banger::roles::cli {

namespace {

constexpr Option kOptions[] = {{.name = "json", .help = "print a JSON object, or null when nothing is installed"}};

std::string version_of(const std::string& program, const RunTool& run) {
  auto output = run({program, "--version"});
  return output ? output->substr(0, output->find('\n')) : output.error().message;
}

Json facts(const InstallPlaces& places, const host::User& owner) {
  auto run = system_tool();
  Json services = Json::array();
  for (const auto& state : service_states(run))
    services.push_back({{"unit", state.unit}, {"active", state.active}, {"enabled", state.enabled}});
  auto helper = helper_version();
  return {{"owner", owner.name},
          {"program", places.program()},
          {"version", version_of(places.program(), run)},
          {"services", services},
          // The helper answers only the owner and root. For other users this field has the error.
          {"helper", helper ? *helper : helper.error().message}};
}

Result<int> run(Context& context) {
  auto& io = context.io;
  bool json = context.args.flag("json");
  InstallPlaces places;
  auto owner = installed_owner(places);
  if (!owner && owner.error().code == ErrorCode::not_found) {
    io.print(json ? "null\n" : "banger is not installed on this system\n");
    return exit_status::kNo;
  }
  if (!owner) return std::unexpected(std::move(owner).error());
  auto status = facts(places, *owner);
  bool all_active = true;
  Table table;
  for (auto field : {"owner", "program", "version", "helper"}) table.add({field, text_of(status, field)});
  for (const auto& service : list_of(status, "services")) {
    table.add({text_of(service, "unit"), text_of(service, "active") + ", " + text_of(service, "enabled")});
    all_active &= text_of(service, "active") == "active";
  }
  io.print(json ? dump_json_pretty(status) + "\n" : table.text(io.colour(io.out)));
  return all_active ? exit_status::kOk : exit_status::kNo;
}

}  // namespace

extern const Command kSystemStatus;
constinit const Command kSystemStatus{
    .group = "system",
    .name = "status",
    .summary = "show the system install, and whether its services run",
    .details = "The exit status is 1 when nothing is installed or a service does not run.",
    .options = kOptions,
    .handler = run,
};

}  // namespace banger::roles::cli

// banger system status
#include "roles/cli/system/status.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "roles/cli/output.h"
#include "roles/cli/system/install.h"
#include "roles/cli/system/services.h"

namespace banger::roles::cli {

namespace {

constexpr Option kOptions[] = {{.name = "json", .help = "print a JSON object, or null when nothing is installed"}};

std::string version_of(const std::string& program, const RunTool& run) {
  auto output = run({program, "--version"});
  return output ? output->substr(0, output->find('\n')) : output.error().message;
}

SystemStatus status_of(const InstallPlaces& places, const host::User& owner) {
  auto run = system_tool();
  auto helper = helper_version();
  return {
      .owner = owner.name,
      .program = places.program(),
      .version = version_of(places.program(), run),
      .helper = helper ? *helper : helper.error().message,
      .services = service_states(run),
  };
}

Table table_of(const SystemStatus& status) {
  Table table;
  table.add({"owner", status.owner});
  table.add({"program", status.program});
  table.add({"version", status.version});
  table.add({"helper", status.helper});
  for (const auto& service : status.services) table.add({service.unit, service.active + ", " + service.enabled});
  return table;
}

Result<int> run(Context& context) {
  InstallPlaces places;
  auto owner = installed_owner(places);
  if (!owner && owner.error().code == ErrorCode::not_found) {
    context.io.print(form_of(context.args) == Form::json ? "null\n" : "banger is not installed on this system\n");
    return exit_status::kNo;
  }
  if (!owner) return std::unexpected(std::move(owner).error());
  auto status = status_of(places, *owner);
  print_object(context, status, table_of(status));
  return std::ranges::all_of(status.services, &ServiceState::is_active) ? exit_status::kOk : exit_status::kNo;
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

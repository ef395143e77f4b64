#include "roles/cli/system/status.h"

#include "api/wire.h"

namespace banger::roles::cli {

namespace {

using api::field;

constexpr api::Field kServiceFields[] = {
    field<&ServiceState::unit>("unit", "The name of the unit"),
    field<&ServiceState::active>("active", "Whether the unit runs, in a word of systemctl"),
    field<&ServiceState::enabled>("enabled", "Whether the unit is started at boot, in a word of systemctl"),
};

constexpr api::Field kStatusFields[] = {
    field<&SystemStatus::owner>("owner", "The user of the daemon"),
    field<&SystemStatus::program>("program", "The path of the installed program"),
    field<&SystemStatus::version>("version", "The version of the installed program"),
    field<&SystemStatus::helper>("helper", "The version of the running helper, or why it does not answer"),
    field<&SystemStatus::services>("services", "The services"),
};

}  // namespace

constinit const api::Object ServiceState::kObject{.name = "service object", .fields = kServiceFields};
constinit const api::Object SystemStatus::kObject{.name = "system status", .fields = kStatusFields};

}  // namespace banger::roles::cli

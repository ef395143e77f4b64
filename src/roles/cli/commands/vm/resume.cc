// banger vm resume
#include <nlohmann/json.hpp>

#include "roles/cli/fan_out.h"
#include "roles/cli/fields.h"

namespace banger::roles::cli {

namespace {

constexpr Positional kPositionals[] = {
    {.name = "VM", .help = "names, ids or unique id prefixes", .names = Names::vm, .repeated = true}};

Result<int> resume(Context& context) {
  return fan_out(context, "vm.resume", Json::object(), [](const Json& vm) { return text_of(vm, "state"); });
}

}  // namespace

extern const Command kVmResume;
constinit const Command kVmResume{
    .group = "vm",
    .name = "resume",
    .summary = "continue suspended VMs",
    .positionals = kPositionals,
    .handler = resume,
};

}  // namespace banger::roles::cli

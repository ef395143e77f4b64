// banger kernel delete
#include <nlohmann/json.hpp>

#include "api/objects/kernel.h"
#include "roles/cli/arguments.h"
#include "roles/cli/fan_out.h"

namespace banger::roles::cli {

namespace {

constexpr std::string_view kAliases[] = {"rm"};
constexpr Positional kPositionals[] = {kKernelsArgument};

Result<int> remove(Context& context) {
  return delete_each<api::KernelName>(context, {.method = "kernel.delete", .key = "kernel"}, Json::object());
}

}  // namespace

extern const Command kKernelDelete;
constinit const Command kKernelDelete{
    .group = "kernel",
    .name = "delete",
    .aliases = kAliases,
    .summary = "delete kernels that nothing uses",
    .positionals = kPositionals,
    .options = kResultsOptions,
    .handler = remove,
};

}  // namespace banger::roles::cli
